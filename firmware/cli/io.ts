/** What every verb shares: NDJSON on stdout, one line on stderr for what went wrong, and the exit status. */
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { loadSiteApart } from '../config/load-apart.ts';
import { formatProblem } from '../config/problem.ts';
import type { Site } from '../config/site.ts';

/** Bad usage or bad input: one line says what, where and what was expected; exit status 2. */
export class BadInput extends Error {}

/** The work itself failed; exit status 1. */
export class Failed extends Error {}

/** One NDJSON object on stdout. */
export function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** A line for people, on stderr. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** `1 alert`, `2 alerts`, `2 buses`. */
export function many(count: number, what: string, plural = `${what}s`): string {
  return `${count} ${count === 1 ? what : plural}`;
}

const UNREADABLE: Record<string, string> = {
  EACCES: 'may not be read by this user',
  EISDIR: 'a directory',
  ENOENT: 'no such file',
};

/** Why this user cannot read a file; undefined where it can. */
export function unreadable(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isDirectory() ? UNREADABLE.EISDIR : undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return UNREADABLE[code] ?? code;
  }
}

/** Reads a file, or says in one line why not. */
export async function readInput(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new BadInput(`${file}: ${UNREADABLE[code] ?? code}: expected ${what}`);
  }
}

/**
 * Before hours of work, whose result would have nowhere to go: whether each of these files can be written. What is there
 * stays as it is; a pipe is not tried, because its reader would take that for the end.
 * @throws BadInput for the first that cannot be written
 */
export function expectWritable(...files: (string | undefined)[]): void {
  for (const file of files) {
    if (file === undefined) continue;
    try {
      const found = statSync(file, { throwIfNoEntry: false });
      if (found !== undefined && !found.isFile() && !found.isDirectory()) continue;
      closeSync(openSync(file, 'a'));
      if (found === undefined) rmSync(file);
    } catch (error) {
      throw new BadInput(`${file}: ${(error as NodeJS.ErrnoException).code}: expected a file that can be written`);
    }
  }
}

/**
 * Makes a directory and what is missing above it. Step by step, because Node's own recursive way never comes back where
 * the parent is there and takes no directories, as below /proc.
 * @throws Failed when it cannot be made
 */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    throw new Failed(`${path}: ${(error as Error).message}: expected a directory that can be made and written`);
  }
}

/** The site file, or its first problem as a one-line error; `check` prints all of them. */
export async function readSite(file: string): Promise<Site> {
  const loaded = await loadSiteApart(await readInput(file, 'a site file (YAML)'), file);
  if (loaded.site !== undefined) return loaded.site;
  const [first, ...more] = loaded.problems;
  const rest = more.length === 0 ? '' : ` (and ${more.length} more: gridwarden check --config ${file})`;
  throw new BadInput(`${first === undefined ? file : formatProblem(first)}${rest}`);
}

/** Aborts at Ctrl-C, SIGTERM or a closed terminal, or by itself after `forS`. A second Ctrl-C ends the process at once. */
export function untilStopped(forS?: number): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // A terminal that closes may say so twice, once through the starter: that is nobody's impatience.
  process.on('SIGHUP', () => controller.abort());
  if (forS !== undefined) setTimeout(() => controller.abort(), forS * 1000).unref();
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
