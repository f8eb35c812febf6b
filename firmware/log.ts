/** The log: pino's own levels and no more, so that the virtual world can hand in a silent one. */
import { type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** JSON lines on stderr; secrets never reach it because nothing that holds one is ever logged. */
export function openLog(level: string = process.env.GRIDWARDEN_LOG ?? 'info'): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}

export const silentLog: Log = pino({ level: 'silent' });
