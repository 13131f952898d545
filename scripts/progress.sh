# shellcheck shell=bash
# Sourced by the scripts that a person runs: named steps, shown with their time; details go to a log file.
# A step is a command that says on stdout what a person wants to know and on stderr what only a failure needs.

# start_progress LOG_FILE
start_progress() {
    progress_log=$1
    mkdir -p "$(dirname "$progress_log")"
    : >"$progress_log"
    progress_names=()
    progress_times_ms=()
    progress_ticker=
    trap stop_ticker EXIT
    echo "Details: $progress_log"
}

# run_step NAME COMMAND...: runs it; on failure shows the end of the log and ends the script.
run_step() {
    local name=$1 started_ms took_ms status=0
    shift
    started_ms=$(now_ms)
    printf '\n%s\n' "▸ $name"
    printf '\n▸ %s: %s\n' "$name" "$*" >>"$progress_log"
    start_ticker
    # shellcheck disable=SC2094 # both append
    { "$@" 2>>"$progress_log" </dev/null | tee -a "$progress_log" | sed -u 's/^/  /'; } || status=$?
    stop_ticker
    took_ms=$(($(now_ms) - started_ms))
    if [ "$status" -ne 0 ]; then
        show_failure "$name" "$status"
        exit "$status"
    fi
    progress_names+=("$name")
    progress_times_ms+=("$took_ms")
}

# print_times: how long each step took.
print_times() {
    local step total_ms=0
    for step in "${!progress_names[@]}"; do
        print_time "${progress_names[$step]}" "${progress_times_ms[$step]}"
        total_ms=$((total_ms + progress_times_ms[step]))
    done
    print_time "in all" "$total_ms"
}

print_time() {
    printf '  %-24s %5d.%d s\n' "$1" $(($2 / 1000)) $(($2 % 1000 / 100))
}

now_ms() {
    date +%s%3N
}

show_failure() {
    {
        printf '\n%s failed with exit code %s. The end of %s:\n\n' "$1" "$2" "$progress_log"
        tail -n 40 "$progress_log"
    } >&2
}

# A line every ten seconds, so that a long step is seen to live.
start_ticker() {
    tick "$(now_ms)" &
    progress_ticker=$!
}

stop_ticker() {
    [ -n "$progress_ticker" ] || return 0
    kill "$progress_ticker" 2>/dev/null || true
    wait "$progress_ticker" 2>/dev/null || true
    progress_ticker=
}

tick() {
    local nap=
    trap 'kill "$nap" 2>/dev/null; exit 0' TERM
    while true; do
        sleep 10 &
        nap=$!
        wait "$nap"
        printf '  … %s s: %.90s\n' $((($(now_ms) - $1) / 1000)) "$(tail -n 1 "$progress_log")"
    done
}
