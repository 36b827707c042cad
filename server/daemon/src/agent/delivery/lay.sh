# Lays the program, which comes on standard input, into the first place that takes it, and prints its path.
# Arguments: the name of the folder to make, the program's length, how many of the places to pass over.
# Ends with 3 where there is no place, with 4 where one did not take it: its number is printed.
umask 077
PATH="${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin"
at=0
for above in "${XDG_RUNTIME_DIR-}" /tmp /var/tmp "${HOME-}" /dev/shm /run; do
  at=$((at + 1))
  if [ "$at" -le "$3" ]; then continue; fi
  case $above in
  /*) ;;
  *) continue ;;
  esac
  # Who owns the folder, or may rename in it, could put another program in the place of this one: it is the user's own,
  # or one that is everybody's and root's.
  case $above in
  /tmp | /var/tmp | /dev/shm) [ -O "$above" ] || [ -k "$above" ] || continue ;;
  *) [ -O "$above" ] || continue ;;
  esac
  place=${above%/}/$1
  mkdir "$place" 2>/dev/null || continue
  cat >"$place/agent" && [ "$(wc -c <"$place/agent")" -eq "$2" ] && chmod 500 "$place/agent" &&
    "$place/agent" --version </dev/null >/dev/null && printf '%s\n' "$place/agent" && exit 0
  rm -f "$place/agent"
  rmdir "$place"
  echo "$at"
  exit 4
done
exit 3
