/** A concentrator in QEMU: arm64 with U-Boot, the image as its card, meters on USB and PCI serial ports, a watchdog. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

export const U_BOOT = '/usr/lib/u-boot/qemu_arm64/u-boot.bin';
/** Where the guest finds what listens on this host's loopback. */
export const GUEST_HOST = '10.0.2.2';

export interface MachineOptions {
  /** `.img`, or `.qcow2` as `freeze` makes it. */
  image: string;
  /** For console and control sockets. */
  folder: string;
  /** Ports on this host where simulated meters answer; without them the machine has neither meters nor network. */
  metersPorts?: { usb: number; pci: number };
  /** What it writes is forgotten. */
  forgetful?: boolean;
  cores?: number;
  /** A second disk, as a stick would be. */
  stick?: string;
  /** A shell script that runs in the guest; systemd takes it from the virtual firmware, which no real board has. */
  script?: string;
  /** Epoch seconds the machine's clock starts at; now where not given. */
  clock?: string;
}

export interface Machine {
  /** What the console has shown since this start. */
  console(): string;
  /** Pulls the USB adapter, and puts it back. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
  /** The plug pulled: nothing is flushed. */
  cut(): Promise<void>;
  /**
   * Keeps the card as it is at this moment, which is what a power cut would leave, and goes on writing into `next`.
   * @returns the file that has it
   */
  freeze(next: string): Promise<string>;
  readonly running: boolean;
}

/** Always in the same socket: the guest names its ports by where they are. */
const USB_SERIAL = {
  driver: 'usb-serial',
  id: 'meters',
  chardev: 'usb',
  serial: 'METER0001',
  bus: 'usb.0',
  port: '1',
} as const;

export function startMachine(options: MachineOptions): Machine {
  const { image, folder, metersPorts, stick, script, clock, forgetful = false, cores = 2 } = options;
  const console = join(folder, 'console.log');
  const control = join(folder, 'control');
  rmSync(control, { force: true });
  const format = (file: string) => (file.endsWith('.qcow2') ? 'qcow2' : 'raw');
  const args = [
    ...['-M', 'virt', '-cpu', 'cortex-a53', '-smp', `${cores}`, '-m', '1024', '-bios', U_BOOT, '-display', 'none'],
    ...['-serial', `file:${console}`, '-monitor', 'none', '-qmp', `unix:${control},server=on,wait=off`],
    ...[
      '-drive',
      `if=none,id=card,format=${format(image)},cache=unsafe,file=${image}`,
      '-device',
      'virtio-blk-device,drive=card',
    ],
    ...(metersPorts === undefined ? ['-nic', 'none'] : surroundings(metersPorts)),
    ...(forgetful ? ['-snapshot'] : []),
    ...['-device', 'i6300esb', '-action', 'watchdog=reset'],
    ...(stick === undefined
      ? []
      : ['-drive', `if=none,id=stick,format=raw,file=${stick}`, '-device', 'usb-storage,bus=usb.0,drive=stick']),
    ...(clock === undefined ? [] : ['-rtc', `base=${clock}`]),
    ...(script === undefined ? [] : scriptUnit(script)),
  ];
  const child: ChildProcess = spawn('qemu-system-aarch64', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (bytes) => {
    said = `${said}${bytes}`.slice(-2_000);
  });
  // Whatever ends this program ends the machine.
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let running = true;
  let file = image;
  gone.then(() => {
    running = false;
    process.off('exit', kill);
  });
  return {
    console: () => (existsSync(console) ? readFileSync(console, 'latin1') : '') + said,
    unplug: () => command(control, 'device_del', { id: USB_SERIAL.id }),
    plug: () => command(control, 'device_add', USB_SERIAL),
    async cut() {
      child.kill('SIGKILL');
      await gone;
    },
    async freeze(next) {
      await command(control, 'blockdev-snapshot-sync', { device: 'card', 'snapshot-file': next, format: 'qcow2' });
      const frozen = file;
      file = next;
      return frozen;
    },
    get running() {
      return running;
    },
  };
}

/** Network, and meters behind a USB and a PCI port. */
function surroundings({ usb, pci }: { usb: number; pci: number }): string[] {
  const meters = (id: string, port: number) => ['-chardev', `socket,id=${id},host=127.0.0.1,port=${port},reconnect=1`];
  return [
    ...['-netdev', 'user,id=net', '-device', 'virtio-net-device,netdev=net'],
    ...['-device', 'qemu-xhci,id=usb', ...meters('usb', usb), '-device', Object.values(deviceOf()).join(',')],
    ...[...meters('pci', pci), '-device', 'pci-serial,chardev=pci'],
  ];
}

/** Names in the virtual firmware have at most 55 letters, so the unit is called x, and the root slice wants it. */
function scriptUnit(script: string): string[] {
  const command = Buffer.from(script).toString('base64');
  const unit = `[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sh -c 'echo ${command} | base64 -d | sh'\n`;
  const given = { 'extra-unit.x.service': unit, 'unit-dropin.-.slice': '[Unit]\nWants=x.service\n' };
  return Object.entries(given).flatMap(([name, text]) => [
    '-fw_cfg',
    `name=opt/io.systemd.credentials/systemd.${name},string=${text}`,
  ]);
}

const deviceOf = () =>
  Object.fromEntries(
    Object.entries(USB_SERIAL).map(([name, value]) => [name, name === 'driver' ? value : `${name}=${value}`]),
  );

/** One command over QEMU's control socket. */
function command(path: string, name: string, args: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error(`${name}: no answer from QEMU`)));
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      text += String(bytes);
      const failed = /"error":.*"desc": "([^"]*)"/.exec(text);
      if (failed !== null) reject(new Error(`${name}: ${failed[1]}`));
      if ((text.match(/"return"/g) ?? []).length < 2) return;
      socket.end();
      resolve();
    });
    for (const line of [{ execute: 'qmp_capabilities' }, { execute: name, arguments: args }])
      socket.write(`${JSON.stringify(line)}\n`);
  });
}
