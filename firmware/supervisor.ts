/**
 * What systemd is told of a gateway: that it is ready, that its event loop turns, how it does, that it stops. A loop
 * that stands still says nothing, and the watchdog of the unit then starts the program again.
 *
 * systemd listens on a datagram socket, which Node has not; two calls of the C library make up for it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Log } from './log.ts';

export interface Health {
  /** Meters that answer, of all. */
  answering: number;
  meters: number;
  brokerReached: boolean;
}

/** `meters=7/8 broker=reached`, as `systemctl status` shows it and the check after an update reads it. */
export function formatHealth({ answering, meters, brokerReached }: Health): string {
  return `meters=${answering}/${meters} broker=${brokerReached ? 'reached' : 'away'}`;
}

/** Reads what `formatHealth` wrote, alone or within other text. */
export function parseHealth(text: string): Health | undefined {
  const match = /meters=(\d+)\/(\d+) broker=(reached|away)/.exec(text);
  if (match === null) return undefined;
  return { answering: Number(match[1]), meters: Number(match[2]), brokerReached: match[3] === 'reached' };
}

const BEAT_DEFAULT_MS = 10_000;
/** A loop that stood this long is worth a line in the log, long before the watchdog acts. */
const STALL_MS = 1_000;

export interface Supervised {
  signal: AbortSignal;
  log: Pick<Log, 'warn'>;
  health(): Health;
}

/**
 * Says that the gateway is ready and keeps the watchdog quiet until `signal` aborts. Does nothing where no supervisor
 * started this process.
 * @param environment NOTIFY_SOCKET and WATCHDOG_USEC, as systemd sets them
 */
export async function supervise(
  { signal, log, health }: Supervised,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog } = environment;
  if (socket === undefined || signal.aborted) return;
  const send = await openNotifier(socket, log);
  // Three beats in the time that systemd grants, so that one late beat kills nothing.
  const beatMs = watchdog === undefined ? BEAT_DEFAULT_MS : Number(watchdog) / 3_000;
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const beat = () => {
    send(`WATCHDOG=1\nSTATUS=${formatHealth(health())}`);
    const stalledMs = Math.round(delay.max / 1e6);
    if (stalledMs > STALL_MS) log.warn({ stalledMs }, 'the event loop stood still');
    delay.reset();
  };
  send('READY=1');
  beat();
  const timer = setInterval(beat, beatMs);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    delay.disable();
    send('STOPPING=1');
  });
}

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const DONTWAIT_NOSIGNAL = 0x40 | 0x4000;

/** A function that sends one state to `path`; a leading `@` is Linux's abstract namespace. Loaded only where it is used. */
async function openNotifier(path: string, log: Pick<Log, 'warn'>): Promise<(state: string) => void> {
  const { default: koffi } = await import('koffi');
  const libc = koffi.load('libc.so.6');
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const sendto = libc.func(
    'long sendto(int fd, const void *data, size_t bytes, int flags, const void *address, unsigned int length)',
  );
  const family = Buffer.alloc(2);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = AF_UNIX;
  const address = Buffer.concat([
    family,
    Buffer.from(path.replace(/^@/, '\0')),
    Buffer.alloc(path.startsWith('@') ? 0 : 1),
  ]);
  const fd: number = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  let failed = false;
  return (state) => {
    const data = Buffer.from(state);
    const sent: number = sendto(fd, data, data.length, DONTWAIT_NOSIGNAL, address, address.length);
    if (sent === data.length || failed) return;
    failed = true;
    log.warn({ socket: path }, 'the supervisor cannot be told');
  };
}
