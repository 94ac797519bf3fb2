/**
 * What `/live` tells its page once a second. Types alone: the page's scripts are checked by them.
 */
export {};
