# shellcheck shell=bash
# Sourced by setup, run and test: the variants, the cache folder and the one QEMU command line.
# They are here because a saved RAM state only fits the very machine that saved it.

# NAME  DEBIAN-SUITE OF THE PROGRAMS  OF THE KERNEL  WORDS FOR THE KERNEL COMMAND LINE
# memory and cpuset exist on cgroup v1 only up to Debian's 6.1 kernel, hence bookworm for v1. bullseye's glibc is older
# than the one that the tests are built with, hence bookworm's programs on its kernel.
states='
v2-6.12  trixie    trixie
v2-6.1   bookworm  bookworm
v2-5.10  bookworm  bullseye
nomem    trixie    trixie    cgroup_disable=memory
v1-6.1   bookworm  bookworm  systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1
plain    trixie    trixie    init=/usr/local/sbin/vm-plain-init
'

# NAME  STATE  PLACE
# Variants that need no state of their own: the job is started from another place (guest/place).
places='
plain-nested  plain  nested
plain-cgns    plain  cgns
'

# The size is part of the machine too. The file is sparse.
# shellcheck disable=SC2034
job_disk_size=4G

suites=$(awk 'NF { print $2 }' <<<"$states" | sort -u)
kernel_suites=$(awk 'NF { print $3 }' <<<"$states" | sort -u)

vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${JOBS_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/jobs-vm}

# Where ordinary users do not look: mke2fs, depmod.
PATH=$PATH:/usr/sbin:/sbin

say() { echo "vm: $*" >&2; }
fail() { say "$*"; exit 125; }

state_names() { awk 'NF { print $1 }' <<<"$states"; }
variant_names() { awk 'NF { print $1 }' <<<"$states$places"; }

# Prints "STATE PLACE" of one variant; the place is - where the job runs in the agent's own.
variant() {
    awk -v name="$1" 'NF && $1 == name { print (NF == 3 && $2 in state ? $2 " " $3 : $1 " -"); found = 1 }
        NF { state[$1] } END { exit !found }' <<<"$states$places" ||
        fail "no variant '$1' (there are: $(variant_names | xargs))"
}

# Prints "PROGRAMS KERNEL WORDS…" of one state.
state() { awk -v name="$1" '$1 == name { $1 = ""; print }' <<<"$states"; }

# Everything that decides what a saved guest is like. The guest's Swift runtime must be the one the
# tests were built with, and a RAM state is only promised to load in the QEMU version that wrote it.
built() {
    local suite kernels=()
    for suite in $kernel_suites; do
        [ -e "$cache/apt/$suite/kernel" ] || return 0
        kernels+=("$cache/apt/$suite/kernel")
    done
    { cat "$vm/lib.sh" "$vm/setup" "$vm"/guest/* "${kernels[@]}" && swift --version 2>&1 &&
        qemu-system-x86_64 --version; } | sha256sum | cut -c1-16 | sed "s|^|$cache/|"
}

make_disk() { # FOLDER FILE SIZE
    mke2fs -q -F -t ext4 -O ^has_journal,^metadata_csum -m 0 \
        -E lazy_itable_init=1,root_owner=0:0 -d "$1" "$2" "$3" >/dev/null
}

# start_vm BUILT STATE FOLDER ROOTDISK [QEMU ARGUMENTS…] starts QEMU in the background ($qemu is its
# process id). FOLDER holds job.img; QEMU adds console, qemu.log and the guest's three channels:
# ctl.out (what the guest reports; ctl.in is what it is told), out (the job's output), files.tar.
# The job disk comes after the root disk, so that the guest knows it as /dev/vdb.
start_vm() {
    local built=$1 root=$4 suite kernel words
    folder=$3
    read -r suite kernel words <<<"$(state "$2")"
    shift 4
    mkfifo "$folder/ctl.in"
    : >"$folder/ctl.out"
    : >"$folder/out"
    # Nehalem: boots fastest under emulation of the models tried.
    qemu-system-x86_64 -machine q35 -accel tcg -cpu Nehalem -smp 2 -m 2048 \
        -nodefaults -display none -no-reboot -serial "file:$folder/console" \
        -kernel "$built/$suite/vmlinuz-$kernel" -initrd "$built/$suite/initrd-$kernel" \
        -append "console=ttyS0 quiet psi=1 panic=-1 mitigations=off $words" \
        -drive "file=$root,if=none,id=root" -device virtio-blk-pci,drive=root \
        -drive "file=$folder/job.img,format=raw,if=none,id=job,snapshot=on" -device virtio-blk-pci,drive=job \
        -device virtio-serial \
        -chardev "pipe,id=ctl,path=$folder/ctl" -device virtserialport,chardev=ctl,name=vm.ctl \
        -chardev "file,id=out,path=$folder/out" -device virtserialport,chardev=out,name=vm.out \
        -chardev "file,id=tar,path=$folder/files.tar" -device virtserialport,chardev=tar,name=vm.tar \
        "$@" >"$folder/qemu.log" 2>&1 3>&- 9>&- &
    qemu=$!
}

reported() { grep -q "$1" "$folder/ctl.out"; }

# Until QEMU ends, the guest has reported a line that matches PATTERN, or nothing new has come out of it for
# SECONDS. However slow the machine is, one that makes progress is waited for; a day is a guest that only babbles.
wait_vm() { # SECONDS [PATTERN]
    local start=$SECONDS heard=$SECONDS size last=
    while kill -0 "$qemu" 2>/dev/null; do
        if [ $# = 2 ] && reported "$2"; then break; fi
        size=$(stat -c %s "$folder"/{out,console,ctl.out,files.tar} 2>/dev/null) || true
        [ "$size" = "$last" ] || { last=$size; heard=$SECONDS; }
        ((SECONDS - heard < $1 && SECONDS - start < 86400)) || break
        sleep 0.1
    done
}

stop_vm() {
    [ -z "${qemu:-}" ] || kill -KILL "$qemu" 2>/dev/null || true
    [ -z "${qemu:-}" ] || wait "$qemu" 2>/dev/null || true
    qemu=
}
