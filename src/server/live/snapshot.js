/**
 * The message that `/live` sends once a second. Types alone, by which the page's scripts are
 * checked.
 */
export {};
