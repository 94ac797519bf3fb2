/** The names of channels that clients may use. */

const NAME = /^[A-Za-z0-9_.:/-]{1,200}$/;

/** What is wrong with a channel's name; undefined when it is right. */
export function checkChannelName(name: string): string | undefined {
  if (NAME.test(name)) return undefined;
  const shown = JSON.stringify(name.slice(0, 200));
  return `channel ${shown} must be 1 to 200 characters of A-Z a-z 0-9 _ . : / -`;
}

/**
 * Reads the channels that a URL asks for: `?channels=a,b`, or `?channels=a&channels=b`, as most
 * clients write a list. A repeated name counts each time, so that the limit bounds what is read.
 *
 * @returns the channels, each once; or what is wrong with them
 */
export function channelsIn(url: string, maxChannels: number): string[] | { error: string } {
  const lists = new URL(url).searchParams.getAll("channels");
  if (lists.length === 0) return { error: "name the channels to listen to: ?channels=a,b" };
  const names: string[] = [];
  // One more than the limit is enough to refuse them: a URL may have room for thousands.
  for (const list of lists) names.push(...list.split(",", maxChannels + 1 - names.length));
  if (names.length > maxChannels) return { error: `name at most ${maxChannels} channels` };
  for (const name of names) {
    const error = checkChannelName(name);
    if (error) return { error };
  }
  return [...new Set(names)];
}
