/** Parts of a gateway that die with it: after `die`, no timer fires, no write ends, no byte arrives. `kill -9` in one process. */
import type { Clock } from '../../firmware/clock.ts';
import type { OpenLink } from '../../firmware/link.ts';
import type { OpenPort } from '../../firmware/port.ts';
import type { Disk } from '../../firmware/store/store.ts';

export interface Life {
  readonly dead: boolean;
  die(): void;
  clock: Clock;
  openPort(real: OpenPort): OpenPort;
  openLink(real: OpenLink): OpenLink;
  /** Writes that had begun are whole or not there; their caller never hears of them. */
  disk(real: Disk): Disk;
}

const NEVER = new Promise<never>(() => {});

export function beginLife(clock: Clock): Life {
  let dead = false;
  const atDeath = new Set<() => void>();
  const alive =
    <A extends unknown[]>(call: (...args: A) => void) =>
    (...args: A) => {
      if (!dead) call(...args);
    };
  const mortal = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (dead) return NEVER;
      const result = await call(...args).catch((error) => (dead ? NEVER : Promise.reject(error)));
      return dead ? NEVER : result;
    };
  };
  return {
    get dead() {
      return dead;
    },
    die() {
      dead = true;
      for (const end of atDeath) end();
    },
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, callback) => clock.after(delayMs, alive(callback)),
    },
    openPort: (real) => async (settings, events) => {
      const port = await real(settings, { onBytes: alive(events.onBytes), onLost: alive(events.onLost) });
      // The kernel closes what a dead process held.
      const close = () => port.close();
      atDeath.add(close);
      return { write: mortal(port.write), close };
    },
    openLink: (real) => (options, events) => {
      const link = real(options, {
        onUp: alive(events.onUp),
        onDown: alive(events.onDown),
        onMessage: alive(events.onMessage),
      });
      atDeath.add(() => void link.close());
      return {
        get up() {
          return link.up;
        },
        publish: mortal(link.publish),
        close: link.close,
      };
    },
    disk: (real) => ({
      open: mortal(real.open),
      write: mortal(real.write),
      pending: mortal(real.pending),
      oldestAtMs: mortal(real.oldestAtMs),
      get: mortal(real.get),
      entries: mortal(real.entries),
      close: mortal(real.close),
    }),
  };
}
