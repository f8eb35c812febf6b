/** Passwords of meters: they stand in files, never in a command line, a site file, a command or a log. */
import { readFile } from 'node:fs/promises';
import type { Authority } from '../../protocols/dlt645/requests.ts';

/** Where the passwords of a meter stand, as the site file says. */
export interface AuthorityFiles {
  level: number;
  operator: string;
  passwordFile: string;
  /** What the password shall be after `control … password`. */
  nextPasswordFile?: string | undefined;
}

/** @throws with a line for people when the file cannot be read or holds no password */
export async function readAuthority({ level, operator, passwordFile }: AuthorityFiles): Promise<Authority> {
  return { level, operator, password: await readPassword(passwordFile) };
}

/** The six digits in `file`. @throws as `readAuthority` */
export async function readPassword(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file}: ${error.code === 'ENOENT' ? 'no such file' : error.code}: expected six digits`);
  });
  return checkPassword(text, file);
}

/** @throws when it is none; the password itself is not repeated */
export function checkPassword(text: string, where: string): string {
  const digits = text.trim();
  if (!/^\d{6}$/.test(digits)) throw new Error(`${where}: expected six digits`);
  return digits;
}
