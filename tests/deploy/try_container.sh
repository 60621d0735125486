#!/usr/bin/env bash
# Builds deploy/Containerfile, then tries what it promises: `doctor` and the demo as an ordinary user, with a read-only
# root and HOME and 64 MiB of shared memory.
#
#   tests/deploy/try_container.sh [FOLDER]     # FOLDER (build/container) gets what the demo writes
#
# ENGINE          podman (default) or docker
# BASE            base image; `debootstrap` makes one of Debian's own packages, as root, where no hub can be reached
# BUILD_OPTIONS   as --build-arg TORCH_INDEX=URL, or -v /etc/pip.conf:/etc/pip.conf:ro for an index of your own
# RUN_OPTIONS     what the machine needs. Inside a container, where limits can't be raised and control groups are old:
#                 BUILD_OPTIONS='--isolation chroot' and
#                 RUN_OPTIONS='--runtime runc --network host --ulimit nofile=20000:20000 --ulimit nproc=20000:20000'
set -euo pipefail
out=$(realpath -m "${1:-build/container}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
engine=${ENGINE:-podman}
options=()
if [ "${BASE:-}" = debootstrap ]; then
  base=$(mktemp -d)
  trap 'rm -rf "$base"' EXIT
  debootstrap --variant=minbase --include=python3,python3-venv,python-is-python3,ca-certificates bookworm "$base"
  tar -C "$base" -c . | "$engine" import - localhost/bookworm-python
  options=(--build-arg BASE=localhost/bookworm-python)
elif [ -n "${BASE:-}" ]; then
  options=(--build-arg "BASE=$BASE")
fi
# shellcheck disable=SC2086
"$engine" build -f deploy/Containerfile -t raymeta "${options[@]}" ${BUILD_OPTIONS:-} .
mkdir -p "$out"
chmod 777 "$out"
# shellcheck disable=SC2206
run=("$engine" run --rm --read-only --tmpfs /tmp --shm-size 64m -v "$out:/out" ${RUN_OPTIONS:-} raymeta)
"${run[@]}" doctor
"${run[@]}" demo --out /out
test -s "$out/report/report.html"
echo "the container works: $out/report/report.html"
