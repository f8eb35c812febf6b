/** Programs of the system that building and flashing need: run, and named when they are missing. */
import { spawn, spawnSync } from 'node:child_process';

export interface RunOptions {
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  input?: string;
  /** Told of what the program writes, as it writes it. */
  onOutput?: (text: string) => void;
}

const SAID_MAX = 4_000;

/** Runs a program to its end and gives what it wrote on stdout. @throws with the end of its stderr when it fails */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env, input, onOutput }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let out = '';
    let said = '';
    child.stdout.on('data', (bytes) => {
      out += String(bytes);
      onOutput?.(String(bytes));
    });
    child.stderr.on('data', (bytes) => {
      said = `${said}${bytes}`.slice(-SAID_MAX);
    });
    child.on('error', (error) => reject(new Error(`${program}: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${program} ${args[0] ?? ''}: ended with ${code}: ${said.trim()}`));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}

/** Debian's package of each program, for the sentence that says what to install. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  'aarch64-linux-gnu-strip': 'binutils-aarch64-linux-gnu',
  depmod: 'kmod',
  sfdisk: 'fdisk',
  'systemd-sysusers': 'systemd',
  'dpkg-deb': 'dpkg',
  'mkfs.vfat': 'dosfstools',
  mke2fs: 'e2fsprogs',
  mkimage: 'u-boot-tools',
  mksquashfs: 'squashfs-tools',
  mcopy: 'mtools',
  'qemu-system-aarch64': 'qemu-system-arm',
  strip: 'binutils',
};

/** The programs of `wanted` that this machine lacks, by the Debian package that brings them. */
export function missing(wanted: readonly string[]): string[] {
  const lacking = wanted.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  return [...new Set(lacking.map((program) => PACKAGE_OF[program] ?? program))];
}

/** @throws with the command that installs what is missing */
export function need(...wanted: string[]): void {
  const packages = missing(wanted);
  if (packages.length > 0) throw new Error(`this needs more programs: apt-get install -y ${packages.join(' ')}`);
}
