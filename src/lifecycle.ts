import type { BroadcasterState } from "./broadcaster";
import {
  type ResolvedConfig,
  resolveConfig,
  type ShardcastConfig,
  withoutUndefined,
} from "./config/config";
import { ShardcastError } from "./errors";
import { createLogger, guarded, type Logger } from "./logging/logger";
import type { Sink } from "./sources/feed";
import { Feeds } from "./sources/feeds";
import type { Source } from "./sources/source";

/** The order in which a server enters them. */
const STATES: readonly BroadcasterState[] = ["starting", "serving", "draining", "ended"];

/**
 * What both broadcasters have in common: the config and the log, the servers of one app, the state
 * that follows from them, and the sources, which flow while a server serves.
 */
export class Lifecycle<Server extends object> {
  /** The config as it was given. Its keys win over what the app has set. */
  readonly input: ShardcastConfig;
  readonly logger: Logger;
  /** All that have not ended: an app may listen again before it has stopped. */
  readonly servers = new Set<Server>();
  readonly #feeds: Feeds;
  #config: ResolvedConfig;
  #current: Server | undefined;
  #state: BroadcasterState = "starting";
  /** The app that listens, or did so last. */
  #app: object | undefined;

  /** @param beforeSources called when a server serves, before the sources flow */
  constructor(
    config: ShardcastConfig,
    sources: readonly Source[],
    sink: Sink,
    private readonly beforeSources: () => void = () => {},
  ) {
    this.input = withoutUndefined(config);
    this.#config = resolveConfig(config);
    this.logger = guarded(this.#config.logger ?? createLogger());
    this.#feeds = new Feeds(sources, sink, this.logger);
  }

  /** That of the last start, with what the app had set. */
  get config(): ResolvedConfig {
    return this.#config;
  }

  /** The server that has listened last, which is the one that publishes. */
  get current(): Server | undefined {
    return this.#current;
  }

  /** That of the current server. */
  get state(): BroadcasterState {
    return this.#state;
  }

  /**
   * Begins a start.
   *
   * @param app the only app that may listen meanwhile
   * @param defaults of the app's, for keys that the broadcaster's own config leaves out
   * @returns the config of this start
   */
  begin(app: object, defaults: ShardcastConfig): ResolvedConfig {
    if (this.servers.size > 0 && app !== this.#app) {
      throw new ShardcastError("ALREADY_LISTENING", "one broadcaster serves one app");
    }
    this.#config = this.resolve(defaults);
    this.#app = app;
    return this.#config;
  }

  /** The broadcaster's config, with the app's defaults for the keys that it leaves out. */
  resolve(defaults: ShardcastConfig): ResolvedConfig {
    return resolveConfig({ ...defaults, ...this.input });
  }

  /** Goes on with a server that serves already. */
  adopt(app: object, server: Server, config: ResolvedConfig): void {
    this.#app = app;
    this.#config = config;
    this.#current = server;
    this.#state = "serving";
    this.servers.add(server);
    this.#feeds.start();
  }

  /**
   * A server has entered a state. One that serves becomes the current one. One that was current
   * before may still be ending, and does not change the broadcaster's state.
   */
  enter(server: Server, state: BroadcasterState): void {
    if (state === "ended") this.servers.delete(server);
    if (state === "serving") this.#current = server;
    else if (server !== this.#current || !isAfter(state, this.#state)) return;
    // It serves already if its app listens once more.
    if (state !== this.#state) this.logger.info({ state }, `the broadcaster is ${state}`);
    this.#state = state;
    if (state !== "serving") {
      this.#feeds.stop();
      return;
    }
    this.beforeSources();
    this.#feeds.start();
  }

  /** For a server that another broadcaster has taken over. */
  stopSources(): void {
    this.#feeds.stop();
  }
}

function isAfter(state: BroadcasterState, other: BroadcasterState): boolean {
  return STATES.indexOf(state) > STATES.indexOf(other);
}
