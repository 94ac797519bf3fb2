import type { Logger } from "../../src/index";

/** A line of the log. */
export interface Line {
  level: keyof Logger;
  fields: Record<string, unknown>;
  message: string;
}

/** A logger that keeps its lines. */
export interface Spy extends Logger {
  readonly lines: Line[];
}

export function spyLogger(): Spy {
  const lines: Line[] = [];
  const write = (level: keyof Logger) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message });
  return {
    lines,
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
}

/** The lines of one level, oldest first. */
export function logged(logger: Spy, level: keyof Logger): Line[] {
  return logger.lines.filter((line) => line.level === level);
}
