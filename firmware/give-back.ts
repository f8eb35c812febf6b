/**
 * Memory that only the start needed, given back to the kernel. Loading touches twice as much of Node's own program file
 * as running does, and the kernel takes such pages back only when memory is already short; freed blocks stay with the
 * allocator likewise. What is given back and needed after all comes back with a page fault.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** madvise(2): forget these pages; those of a file that nobody changed are read again from it. */
const MADV_DONTNEED = 4;
/** Loading, opening the ports and the first round are over by then. */
const AFTER_MS = 10_000;
/** What the engine compiled, collected and summed up in between leaves pages behind, too. */
const EVERY_MS = 60_000;

interface Libc {
  madvise(address: number, bytes: number, advice: number): number;
  malloc_trim(pad: number): number;
}

/** Gives back some seconds after the start and then every minute, until the signal. Does nothing where it cannot. */
export function keepGivingBack(signal: AbortSignal): void {
  const libc = loadLibc();
  if (libc === undefined) return;
  const give = () => void giveBack(libc).catch(() => {});
  const first = setTimeout(give, AFTER_MS).unref();
  const again = setInterval(give, EVERY_MS).unref();
  signal.addEventListener('abort', () => {
    clearTimeout(first);
    clearInterval(again);
  });
}

async function giveBack(libc: Libc): Promise<void> {
  libc.malloc_trim(0);
  for (const { from, to } of untouchedMappings(await readFile('/proc/self/smaps', 'utf8'), process.execPath))
    libc.madvise(from, to - from, MADV_DONTNEED);
}

/**
 * The mappings of `file` that cannot be written and hold no page of their own (proc(5), smaps): nothing is lost with
 * them. What the loader relocated is anonymous memory and stays.
 */
export function untouchedMappings(smaps: string, file: string): { from: number; to: number }[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((entry) => {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +(.+)/.exec(entry);
    if (head === null || head[3] !== file) return [];
    if (!/^Anonymous: +0 kB$/m.test(entry) || !/^Private_Dirty: +0 kB$/m.test(entry)) return [];
    return [{ from: Number.parseInt(head[1] ?? '', 16), to: Number.parseInt(head[2] ?? '', 16) }];
  });
}

function loadLibc(): Libc | undefined {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const libc = koffi.load('libc.so.6');
    return {
      madvise: libc.func('int madvise(uintptr_t addr, size_t length, int advice)') as Libc['madvise'],
      malloc_trim: libc.func('int malloc_trim(size_t pad)') as Libc['malloc_trim'],
    };
  } catch {
    return undefined;
  }
}
