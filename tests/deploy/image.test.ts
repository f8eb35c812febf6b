/** The image's parts that can be judged without building one: load order, bill of materials, boot script, layout. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadOrder } from '../../deploy/image/kernel.ts';
import { UNUSED_MODULES } from '../../deploy/image/packages.ts';
import { cycloneDx } from '../../deploy/image/sbom.ts';

const text = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../deploy/image/${path}`, import.meta.url)), 'utf8');

describe('kernel modules', () => {
  it('are loaded after what they need', () => {
    const dep = [
      'kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz kernel/lib/crc16.ko.xz',
      'kernel/fs/jbd2/jbd2.ko.xz:',
      'kernel/lib/crc16.ko.xz:',
      'kernel/sound/soundcore.ko.xz:',
      'kernel/drivers/block/virtio_blk.ko.xz:',
      'kernel/crypto/crc32c_generic.ko.xz:',
    ].join('\n');
    const order = loadOrder(dep);
    expect(order.indexOf('kernel/fs/jbd2/jbd2.ko.xz')).toBeLessThan(order.indexOf('kernel/fs/ext4/ext4.ko.xz'));
    expect(order).toContain('kernel/drivers/block/virtio_blk.ko.xz');
    expect(order).toContain('kernel/crypto/crc32c_generic.ko.xz');
    expect(order).not.toContain('kernel/sound/soundcore.ko.xz');
    expect(new Set(order).size).toBe(order.length);
  });

  it.each([
    'drivers/usb/serial/',
    'drivers/usb/storage/',
    'drivers/scsi/',
    'drivers/net/ethernet/stmicro/',
    'drivers/watchdog/',
    'fs/squashfs/',
    'drivers/md/',
    'drivers/tty/serial/',
    'drivers/mmc/host/',
  ])('that a gateway needs stay: %s', (folder) => expect(UNUSED_MODULES.test(folder)).toBe(false));

  it.each([
    'sound/',
    'drivers/gpu/',
    'drivers/net/wireless/',
    'fs/btrfs/',
    'net/bluetooth/',
  ])('that none needs go: %s', (folder) => expect(UNUSED_MODULES.test(folder)).toBe(true));
});

describe('the bill of materials', () => {
  it('names every package with version, address and hash', () => {
    const bill = {
      version: '1',
      suite: 'trixie',
      debian: [{ name: 'libc6', version: '2.41-12+deb13u1', hash: 'ab'.repeat(32) }],
      npm: [{ name: '@serialport/stream', version: '13.0.0', hash: `sha512-${Buffer.from('x').toString('base64')}` }],
    };
    expect(cycloneDx(bill)).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      components: [
        { purl: 'pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=arm64&distro=trixie', hashes: [{ alg: 'SHA-256' }] },
        { purl: 'pkg:npm/%40serialport/stream@13.0.0', hashes: [{ alg: 'SHA-512', content: '78' }] },
      ],
    });
  });
});

describe('what the boot script, RAUC and the disk agree on', () => {
  it('is the place and size of the boot state', () => {
    const script = text('boot.cmd');
    expect(script).toContain('setenv statebytes 0x4000');
    expect(script).toContain('setenv stateblocks 0x20');
    expect(text('rootfs/etc/fw_env.config').trim()).toBe('/dev/disk/by-partlabel/bootstate 0x0 0x4000');
    expect(0x20 * 512).toBe(0x4000);
    expect(text('disk.ts')).toMatch(/name: 'boot'.*\n.*name: 'bootstate'.*\n.*name: 'rootfs-A'.*\n.*name: 'rootfs-B'/);
  });

  it('is that a slot has three tries and gives way after them', () => {
    const script = text('boot.cmd');
    for (const slot of ['A', 'B']) {
      expect(script).toContain(`test \${BOOT_${slot}_LEFT} -gt 0`);
      expect(script).toContain(`setexpr BOOT_${slot}_LEFT \${BOOT_${slot}_LEFT} - 1`);
    }
    // The try is counted before the kernel is loaded, or a hang would never be noticed.
    expect(script.search(/ write \$\{stateaddr\}/)).toBeLessThan(script.indexOf('booti'));
  });

  it('is that nobody can log in and nothing listens beside the gateway', () => {
    const packages = text('packages.ts');
    expect(packages).not.toMatch(/openssh|telnet|dropbear/);
    expect(text('tree.sh')).toMatch(/mask getty@\.service serial-getty@\.service/);
  });
});
