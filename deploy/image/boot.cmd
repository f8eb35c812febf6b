# Chooses a root slot, counts the try down, and starts it. A slot that was not marked good within three tries is passed
# over, so an update that does not boot, or boots and does not work, undoes itself.
# The variables stand in partition 2, written by this script and by RAUC through fw_setenv; all that ever changes lies
# in its first sector, so a power cut leaves either the old or the new.
setenv statebytes 0x4000
setenv stateblocks 0x20
setenv stateaddr ${ramdisk_addr_r}
test ${devtype} = mmc && mmc dev ${devnum}
part start ${devtype} ${devnum} 2 stateblock

setenv BOOT_ORDER
if ${devtype} read ${stateaddr} ${stateblock} ${stateblocks}; then
  env import -c ${stateaddr} ${statebytes} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
fi
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3

setenv slot
for candidate in ${BOOT_ORDER}; do
  if test -n "${slot}"; then
    true
  elif test ${candidate} = A; then
    if test ${BOOT_A_LEFT} -gt 0; then
      setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
      setenv slot A
      setenv slotpart 3
    fi
  elif test ${BOOT_B_LEFT} -gt 0; then
    setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
    setenv slot B
    setenv slotpart 4
  fi
done

if test -z "${slot}"; then
  echo "no slot has tries left: starting over with both"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
fi
env export -c -s ${statebytes} ${stateaddr} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
${devtype} write ${stateaddr} ${stateblock} ${stateblocks}
test -n "${slot}" || reset

setenv bootargs "rauc.slot=${slot} panic=10 systemd.gpt_auto=0 audit=0 quiet loglevel=4 ${gridwarden_args}"
load ${devtype} ${devnum}:${slotpart} ${kernel_addr_r} /boot/vmlinuz || reset
test -n "${fdtfile}" && load ${devtype} ${devnum}:${slotpart} ${fdt_addr_r} /usr/lib/devicetree/${fdtfile} && setenv fdtfound ${fdt_addr_r}
test -n "${fdtfound}" || setenv fdtfound ${fdtcontroladdr}
load ${devtype} ${devnum}:${slotpart} ${ramdisk_addr_r} /boot/initrd.img || reset
booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtfound}
reset
