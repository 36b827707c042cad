# Ends a service when its last user is gone, and takes along what it made outside its folder.
#
#   sh keeper.sh DIR keep|discard
#
# DIR/undo, where there is one, is run when the process has ended.
# Users hold DIR/lease shared; the kernel lets go of it when they end, however they end. Under the exclusive lock there
# is no user, and none can come before everything is gone. DIR/process is removed last: it means that the service is up.
set -u
dir=$1 afterwards=$2
exec 9<"$dir/lease" || exit 0
flock --exclusive 9

state() { sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null; }
alive() { set -- $(state); [ "${1:-Z}" != Z ] && [ "${20:-}" = "$started" ]; }

if read -r pid started 2>/dev/null <"$dir/process"; then
  if alive; then
    # in a namespace of processes the first one within is asked; the outer one takes all of them with it
    within=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
    kill -TERM ${within:-$pid} 2>/dev/null
    waited=0
    while alive && [ $waited -lt 150 ]; do sleep 0.1; waited=$((waited + 1)); done
    alive && kill -KILL "$pid" 2>/dev/null
    while alive; do sleep 0.1; done
  fi
  [ -f "$dir/undo" ] && sh "$dir/undo"
  rm -f "$dir/process"
fi
[ "$afterwards" = discard ] && rm -rf "$dir"
exit 0
