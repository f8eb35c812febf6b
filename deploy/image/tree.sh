#!/bin/sh
# What the packages' own scripts would have done, for a tree that is never configured: users, links, enabled units.
set -e
tree=$1

rm -rf "$tree"/usr/share/locale/* "$tree"/usr/share/man "$tree"/usr/share/info "$tree"/usr/share/lintian \
  "$tree"/usr/share/bash-completion "$tree"/usr/share/bug "$tree"/var/cache/apt "$tree"/var/lib/apt "$tree"/usr/lib/klibc
find "$tree/usr/share/doc" -type f ! -name copyright -delete

install -m 0644 "$tree/usr/share/base-passwd/passwd.master" "$tree/etc/passwd"
install -m 0644 "$tree/usr/share/base-passwd/group.master" "$tree/etc/group"
# Nobody logs in: every account is locked.
sed 's/^\([^:]*\):.*/\1:*:20000:0:99999:7:::/' "$tree/etc/passwd" > "$tree/etc/shadow"
chmod 0640 "$tree/etc/shadow"
# This machine may know less of the format than the packages: an account that is locked anyway is plain to it.
cat "$tree"/usr/lib/sysusers.d/*.conf | sed "s/^\\([a-z]\\)!/\\1/" | systemd-sysusers --root="$tree" -
printf 'passwd: files systemd\ngroup: files systemd\nshadow: files\nhosts: files resolve [!UNAVAIL=return] dns\nservices: files\nprotocols: files\n' \
  > "$tree/etc/nsswitch.conf"
printf '127.0.0.1 localhost\n::1 localhost\n' > "$tree/etc/hosts"
ln -sf mawk "$tree/usr/bin/awk"
ln -sf dash "$tree/usr/bin/sh"

mkdir -p "$tree/data" "$tree/srv" "$tree/root/.ssh" "$tree/etc/systemd" "$tree/usr/lib/systemd/system.conf.d"
: > "$tree/etc/machine-id"
: > "$tree/etc/fstab"
ln -sf /data/system/hostname "$tree/etc/hostname"
ln -sf /run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
rm -rf "$tree/etc/systemd/network"
ln -s /data/system/network "$tree/etc/systemd/network"
ln -s /data/system/timesyncd.conf.d "$tree/etc/systemd/timesyncd.conf.d"
ln -sf /usr/share/zoneinfo/UTC "$tree/etc/localtime"
ln -sf ../proc/self/mounts "$tree/etc/mtab"

systemctl --root="$tree" preset-all > /dev/null 2>&1 || true
systemctl --root="$tree" enable systemd-networkd systemd-resolved systemd-timesyncd gridwarden gridwarden-confirm.timer gridwarden-order.path > /dev/null 2>&1
systemctl --root="$tree" set-default multi-user.target > /dev/null 2>&1
# No console, no first-boot questions, nothing that looks for other disks.
systemctl --root="$tree" mask getty@.service serial-getty@.service console-getty.service systemd-firstboot.service \
  systemd-remount-fs.service systemd-networkd-wait-online.service systemd-machine-id-commit.service \
  ldconfig.service systemd-update-done.service systemd-journal-catalog-update.service systemd-hwdb-update.service \
  systemd-logind.service systemd-user-sessions.service getty.target systemd-networkd-persistent-storage.service \
  e2scrub_reap.service e2scrub_all.timer fstrim.timer systemd-pcrphase.service dpkg-db-backup.timer > /dev/null 2>&1
