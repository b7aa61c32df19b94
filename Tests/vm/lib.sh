# shellcheck shell=bash
# Sourced by setup, run and test: the variants, the cache folder and the one QEMU command line.
# They are here because a saved RAM state only fits the very machine that saved it.

# NAME  DEBIAN-SUITE  WORDS FOR THE KERNEL COMMAND LINE
# memory and cpuset exist on cgroup v1 only up to Debian's 6.1 kernel, hence bookworm for v1.
variants='
v2-6.12  trixie
v2-6.1   bookworm
nomem    trixie    cgroup_disable=memory
v1-6.1   bookworm  systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1
'

# The size is part of the machine too. The file is sparse.
# shellcheck disable=SC2034
job_disk_size=4G

vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${JOBS_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/jobs-vm}

say() { echo "vm: $*" >&2; }
fail() { say "$*"; exit 125; }

variant_names() { awk 'NF { print $1 }' <<<"$variants"; }

# Prints "SUITE WORDS…" of one variant.
variant() {
    awk -v name="$1" '$1 == name { $1 = ""; print; found = 1 } END { exit !found }' <<<"$variants" ||
        fail "no variant '$1' (there are: $(variant_names | xargs))"
}

# Everything that decides what a saved guest is like. The guest's Swift runtime must be the one the
# tests were built with, and a RAM state is only promised to load in the QEMU version that wrote it.
built() {
    [ -e "$cache/kernels" ] || return 0
    { cat "$vm/lib.sh" "$vm/setup" "$vm"/guest/* "$cache/kernels" && swift --version 2>&1 &&
        qemu-system-x86_64 --version; } | sha256sum | cut -c1-16 | sed "s|^|$cache/|"
}

make_disk() { # FOLDER FILE SIZE
    mke2fs -q -F -t ext4 -O ^has_journal,^metadata_csum -m 0 \
        -E lazy_itable_init=1,root_owner=0:0 -d "$1" "$2" "$3" >/dev/null
}

# start_vm BUILT VARIANT FOLDER ROOTDISK [QEMU ARGUMENTS…] starts QEMU in the background ($qemu is its
# process id). FOLDER holds job.img; QEMU adds console, qemu.log and the guest's three channels:
# ctl.out (what the guest reports; ctl.in is what it is told), out (the job's output), files.tar.
# The job disk comes after the root disk, so that the guest knows it as /dev/vdb.
start_vm() {
    local built=$1 root=$4 suite words
    folder=$3
    read -r suite words <<<"$(variant "$2")"
    shift 4
    mkfifo "$folder/ctl.in"
    : >"$folder/ctl.out"
    : >"$folder/out"
    # Nehalem: boots fastest under emulation of the models tried.
    qemu-system-x86_64 -machine q35 -accel tcg -cpu Nehalem -smp 2 -m 2048 \
        -nodefaults -display none -no-reboot -serial "file:$folder/console" \
        -kernel "$built/$suite/vmlinuz" -initrd "$built/$suite/initrd" \
        -append "console=ttyS0 quiet psi=1 panic=-1 mitigations=off $words" \
        -drive "file=$root,if=none,id=root" -device virtio-blk-pci,drive=root \
        -drive "file=$folder/job.img,format=raw,if=none,id=job,snapshot=on" -device virtio-blk-pci,drive=job \
        -device virtio-serial \
        -chardev "pipe,id=ctl,path=$folder/ctl" -device virtserialport,chardev=ctl,name=vm.ctl \
        -chardev "file,id=out,path=$folder/out" -device virtserialport,chardev=out,name=vm.out \
        -chardev "file,id=tar,path=$folder/files.tar" -device virtserialport,chardev=tar,name=vm.tar \
        "$@" >"$folder/qemu.log" 2>&1 9>&- &
    qemu=$!
}

reported() { grep -q "$1" "$folder/ctl.out"; }

# Until QEMU ends, the guest has reported a line that matches PATTERN, or the time is over.
wait_vm() { # SECONDS [PATTERN]
    local end=$((SECONDS + $1))
    while kill -0 "$qemu" 2>/dev/null && ((SECONDS < end)); do
        if [ $# = 2 ] && reported "$2"; then break; fi
        sleep 0.1
    done
}

stop_vm() {
    [ -z "${qemu:-}" ] || kill -KILL "$qemu" 2>/dev/null || true
    [ -z "${qemu:-}" ] || wait "$qemu" 2>/dev/null || true
    qemu=
}
