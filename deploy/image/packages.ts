/** Debian's packages in the image. Nothing configures them, so the list is short and the image is proved by booting it. */
export const SUITE = 'trixie';

export const PACKAGES = [
  // A base that a shell script runs on; --variant=extract does not bring it by itself.
  ...['base-files', 'base-passwd', 'bash', 'coreutils', 'dash', 'findutils', 'grep', 'sed', 'gzip', 'hostname', 'mawk'],
  ...['libc-bin', 'login', 'mount', 'passwd', 'util-linux', 'procps', 'iproute2', 'kmod', 'e2fsprogs'],
  ...['systemd', 'systemd-sysv', 'systemd-timesyncd', 'systemd-resolved', 'udev', 'dbus'],
  'linux-image-arm64',
  // Runs /init before there is a root.
  'busybox-static',
  // What Node is linked against.
  ...['libstdc++6', 'libatomic1'],
  // Updates, and the variables that choose the slot.
  ...['rauc', 'rauc-service', 'libubootenv-tool'],
] as const;

/** Kernel modules without which there is no root or no data: disks, cards and their controllers, file systems. */
export const EARLY_MODULES =
  /^(virtio_(mmio|pci|blk)|ext4|(lib)?crc(16|32c?)(_generic|_cryptoapi)?|overlay|mmc_block|qemu_fw_cfg|usb-storage|sd_mod|sdhci.*|dw_mmc.*|sunxi-mmc|meson-gx-mmc|bcm2835(-mmc)?|phy-(sun4i-usb|rockchip-(inno-usb2|emmc)|meson-.*)|rtc-.*efi|i2c-(rk3x|mv64xxx)|rk8xx-(core|i2c)|axp20x-(i2c|rsb)|sunxi-rsb)$/;

/** Kernel modules that no gateway has a use for: screens, sound, cameras, radio, data centres. */
export const UNUSED_MODULES =
  /^(sound|drivers\/(gpu|media|infiniband|staging|isdn|iio|input|nvdimm|bluetooth|target|ata|md\/(bcache|dm-vdo)|video|firewire|accel|comedi|ufs|vfio|xen|android|hid|mtd|power\/supply|misc\/(mei|habanalabs)|net\/(wireless|can|fddi|hamradio|ieee802154|wan|arcnet|wwan|ethernet\/(mellanox|broadcom\/bnx2x|broadcom\/bnxt|intel\/(ice|i40e|ixgbe|fm10k)|chelsio|qlogic|netronome|sfc|marvell\/octeontx2|hisilicon|cavium|emulex|huawei|amazon|google|microsoft|fungible|pensando)))|fs\/(btrfs|xfs|ocfs2|ceph|nfs|nfsd|smb|gfs2|jfs|f2fs|reiserfs|bcachefs|afs|coda|cachefiles|dlm|udf|nilfs2|ubifs|jffs2|ntfs3|orangefs|9p|erofs|hfs.*|lockd|exfat|affs|bfs|befs|minix|omfs|qnx.*|romfs|sysv|ufs|zonefs|efs|ecryptfs|adfs|isofs|netfs|quota)|net\/(bluetooth|wireless|mac80211|sctp|tipc|rds|openvswitch|batman-adv|ceph|atm|ax25|appletalk|can|dccp|ieee802154|mac802154|nfc|netrom|phonet|rose|rxrpc|smc|sunrpc|9p|6lowpan|hsr|l2tp|lapb|llc|mpls|mptcp|ncsi|psample|qrtr|vmw_vsock|x25|xdp|netfilter\/ipvs))\//;
