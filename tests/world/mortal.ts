/** Parts of a gateway that die with it: after `die`, no timer fires, no write ends, no byte arrives. `kill -9` in one process. */
import type { Clock } from '../../firmware/clock.ts';
import type { OpenLink } from '../../firmware/link.ts';
import type { OpenPort } from '../../firmware/port.ts';
import type { Disk } from '../../firmware/store/store.ts';

export interface Life {
  readonly dead: boolean;
  /** Timers that wait, and what is open. */
  readonly held: { timers: number; ports: number; links: number };
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
  const held = { timers: 0, ports: 0, links: 0 };
  /** Counts one thing as held until the returned function is called, however often. */
  const hold = (what: keyof typeof held) => {
    held[what]++;
    let open = true;
    return () => {
      if (open) held[what]--;
      open = false;
    };
  };
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
    held,
    die() {
      dead = true;
      for (const end of atDeath) end();
    },
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, callback) => {
        const letGo = hold('timers');
        const cancel = clock.after(delayMs, () => {
          letGo();
          if (!dead) callback();
        });
        return () => {
          letGo();
          cancel();
        };
      },
    },
    openPort: (real) => async (settings, events) => {
      const letGo = hold('ports');
      const onLost = (reason: string) => {
        letGo();
        if (!dead) events.onLost(reason);
      };
      const port = await real(settings, { onBytes: alive(events.onBytes), onLost }).catch((error) => {
        letGo();
        throw error;
      });
      // The kernel closes what a dead process held.
      const close = () => {
        letGo();
        return port.close();
      };
      atDeath.add(close);
      return { write: mortal(async (bytes: Uint8Array, deadlineMs: number) => port.write(bytes, deadlineMs)), close };
    },
    openLink: (real) => (options, events) => {
      const letGo = hold('links');
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
        close: () => {
          letGo();
          return link.close();
        },
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
