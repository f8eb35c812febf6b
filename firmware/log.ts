/** The log: JSON lines on stderr for the journal, the last of them kept for the page; bounded, and without secrets. */
import { type Logger, multistream, pino } from 'pino';

/** pino's own levels and no more, so that the virtual world can hand in a silent one. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** A log that remembers its last lines. */
export interface LogRing extends Log {
  lines(): readonly string[];
}

const LINES_MAX = 500;
const LINE_MAX = 2_000;
/** Fields that could hold a secret if somebody logs a whole object by mistake. */
const REDACT = [
  'password',
  'secret',
  'privateKey',
  'key',
  'token',
  '*.password',
  '*.secret',
  '*.privateKey',
  '*.key',
  '*.token',
];

/** @param level pino's; GRIDWARDEN_LOG where nothing is said */
export function openLog(level: string = process.env.GRIDWARDEN_LOG ?? 'info'): LogRing {
  const lines: string[] = [];
  const ring = {
    write(line: string) {
      lines.push(line.trimEnd().slice(0, LINE_MAX));
      if (lines.length > LINES_MAX) lines.splice(0, lines.length - LINES_MAX);
    },
  };
  // The page shows what led to a fault even where the journal is kept short.
  const streams = multistream([
    { level: 'info', stream: ring },
    { level: level as 'info', stream: pino.destination({ dest: 2, sync: true }) },
  ]);
  const log = pino(
    {
      level: level === 'silent' ? 'info' : level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: REDACT,
    },
    streams,
  );
  return Object.assign(log, { lines: () => lines });
}

export const silentLog: Log = pino({ level: 'silent' });
