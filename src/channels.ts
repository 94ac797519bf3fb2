/** Names of channels, as the ready-made server takes them from strangers. */

const NAME = /^[A-Za-z0-9_.:/-]{1,200}$/;

/** Says what is wrong with a channel's name; nothing when it is right. */
export function checkChannelName(name: string): string | undefined {
  if (NAME.test(name)) return undefined;
  const shown = JSON.stringify(name.slice(0, 200));
  return `channel ${shown} must be 1 to 200 characters of A-Z a-z 0-9 _ . : / -`;
}

/**
 * Reads a list of channels, such as `a,b`.
 *
 * @returns the channels, each once; or what is wrong with them
 */
export function parseChannels(list: string, maxChannels: number): string[] | { error: string } {
  const channels = [...new Set(list.split(","))];
  if (channels.length > maxChannels) {
    return { error: `at most ${maxChannels} channels, not ${channels.length}` };
  }
  for (const channel of channels) {
    const error = checkChannelName(channel);
    if (error) return { error };
  }
  return channels;
}
