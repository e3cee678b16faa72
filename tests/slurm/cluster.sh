#!/usr/bin/env bash
# A SLURM cluster of one node and two pretended GPUs on this machine, for the tests (Debian 12's packages). Beside the
# partition `main`, jobs of `requeued` and of `cancelled` are preempted by those of `urgent`, in these two ways.
#
#   sudo tests/slurm/cluster.sh start     install what is missing, configure, start, wait for an idle node
#   tests/slurm/cluster.sh status         show the node and the queue; fails when the cluster does not answer
#   sudo tests/slurm/cluster.sh stop      end every job and both daemons (munged stays: others may use it)
#
# `start` on a running cluster does nothing; on a stopped one it begins with an empty queue. A configuration
# that this script did not write is never touched: start and stop refuse.
set -euo pipefail

readonly MARKER="# Written by sirbench's tests/slurm/cluster.sh"
readonly CONFIG=/etc/slurm # Debian's default: jobs do not inherit SLURM_CONF, so no other folder would do
readonly STATE=/var/lib/slurm LOG=/var/log/slurm
readonly GPUS=2 CPUS=8 MEMORY_MB=64000 WAIT_SECONDS=30

main() {
    case "${1:-}" in
    start)
        require_root
        refuse_foreign_configuration
        if cluster_answers; then
            echo "cluster.sh: already running"
        else
            install_packages
            write_configuration
            make_gpus
            start_munge
            start_daemons
            wait_until "the node to be idle" cluster_answers slurmctld slurmd
        fi
        sinfo --Node --Format=nodelist,statelong,cpus,memory,gres
        ;;
    stop)
        require_root
        refuse_foreign_configuration
        stop_daemons
        ;;
    status)
        scontrol ping && sinfo --Node --long && squeue
        ;;
    *)
        echo "usage: $0 start|stop|status" >&2
        exit 2
        ;;
    esac
}

fail() {
    echo "cluster.sh: $1" >&2
    exit 1
}

require_root() {
    [[ $EUID -eq 0 ]] || fail "slurmd starts jobs as their users and needs root: run it with sudo"
}

refuse_foreign_configuration() {
    local file
    for file in "$CONFIG"/{slurm,gres}.conf; do
        if [[ -e $file ]] && ! grep -qF "$MARKER" "$file"; then
            fail "$file belongs to another cluster: use that one, or move the file away"
        fi
    done
}

install_packages() {
    local program
    for program in munged slurmctld slurmd sbatch; do
        if ! command -v "$program" >/dev/null; then
            echo "cluster.sh: $program is missing: installing slurm-wlm and munge" >&2
            export DEBIAN_FRONTEND=noninteractive
            apt-get update -qq </dev/null >&2 || fail "apt-get update failed"
            apt-get install -y -qq --no-install-recommends slurm-wlm munge </dev/null >&2 ||
                fail "apt-get install slurm-wlm munge failed"
            return
        fi
    done
}

write_configuration() {
    mkdir -p "$CONFIG" "$STATE"/{slurmctld,slurmd} "$LOG"
    cat >"$CONFIG/slurm.conf" <<END
$MARKER
ClusterName=sirbench
SlurmctldHost=localhost
SlurmUser=root
AuthType=auth/munge
StateSaveLocation=$STATE/slurmctld
SlurmdSpoolDir=$STATE/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=$LOG/slurmctld.log
SlurmdLogFile=$LOG/slurmd.log
MailProg=/bin/true
# No cgroups, which containers lack: a step that takes more memory than it asked for is killed within a second.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
# No accounting database: Snakemake asks squeue, where a finished job stays for MinJobAge seconds.
AccountingStorageType=accounting_storage/none
MinJobAge=300
# Jobs start within a second instead of up to half a minute.
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
# Seconds from SIGTERM to SIGKILL, in which a training job writes its checkpoint.
KillWait=20
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
# More cores and memory than the machine may have, so that two training jobs run at a time.
SlurmdParameters=config_overrides
NodeName=localhost CPUs=$CPUS RealMemory=$MEMORY_MB Gres=gpu:$GPUS State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=DEFAULT Nodes=localhost MaxTime=INFINITE State=UP
PartitionName=main Default=YES PriorityTier=1 PreemptMode=OFF
PartitionName=requeued PriorityTier=1 PreemptMode=REQUEUE
PartitionName=cancelled PriorityTier=1 PreemptMode=CANCEL
PartitionName=urgent PriorityTier=2 PreemptMode=OFF
END
    cat >"$CONFIG/gres.conf" <<END
$MARKER
NodeName=localhost Name=gpu File=/dev/sirbench-gpu[0-$((GPUS - 1))]
END
}

make_gpus() {
    # SLURM only looks whether the file exists and numbers the GPUs after it: twins of /dev/null do.
    local i
    for ((i = 0; i < GPUS; i++)); do
        [[ -c /dev/sirbench-gpu$i ]] || mknod -m 666 "/dev/sirbench-gpu$i" c 1 3 ||
            fail "mknod /dev/sirbench-gpu$i failed: the container needs the capability MKNOD"
    done
}

# The daemons go to the background by themselves; the redirections keep a CI pipe from waiting for them.

start_munge() {
    munge_answers && return
    [[ -s /etc/munge/munge.key ]] || mungekey --create || fail "cannot create /etc/munge/munge.key"
    chown munge:munge /etc/munge/munge.key
    chmod 600 /etc/munge/munge.key
    install -d -o munge -g munge -m 755 /run/munge
    install -d -o munge -g munge -m 700 /var/lib/munge /var/log/munge
    runuser -u munge -- munged </dev/null >>"$LOG/munged.log" 2>&1 || true # its log is shown below
    wait_until "munged to answer" munge_answers munged
}

start_daemons() {
    # -c: begin with an empty queue, not with the jobs of a test that was interrupted.
    is_running slurmctld || slurmctld -c </dev/null >>"$LOG/slurmctld.log" 2>&1 || fail_with_log slurmctld
    is_running slurmd || slurmd -N localhost </dev/null >>"$LOG/slurmd.log" 2>&1 || fail_with_log slurmd
}

stop_daemons() {
    local daemon pid
    if is_running slurmctld; then
        scancel --state=RUNNING --quiet || true
    fi
    for daemon in slurmd slurmctld; do
        is_running "$daemon" || continue
        pid=$(<"/run/$daemon.pid")
        kill "$pid"
        wait_until "$daemon (process $pid) to end" is_gone "$daemon"
    done
}

munge_answers() {
    munge --no-input 2>/dev/null | unmunge >/dev/null 2>&1
}

cluster_answers() {
    # The controller calls a node idle for minutes after its slurmd died: look at the processes too.
    is_running slurmctld && is_running slurmd &&
        [[ $(timeout 5 sinfo --noheader --format=%T 2>/dev/null) =~ ^(idle|mixed|allocated|completing)$ ]]
}

is_running() {
    local pid
    pid=$(cat "/run/$1.pid" 2>/dev/null) && [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$1" ]]
}

is_gone() {
    ! is_running "$1"
}

# wait_until WHAT CONDITION DAEMON...: when it takes too long, show the daemons' logs and fail.
wait_until() {
    local what=$1 condition=$2 second
    shift 2
    for ((second = 0; second < WAIT_SECONDS; second++)); do
        "$condition" "$@" && return
        sleep 1
    done
    echo "cluster.sh: waited $WAIT_SECONDS s for $what in vain" >&2
    fail_with_log "$@"
}

fail_with_log() {
    local daemon
    for daemon in "$@"; do
        echo "--- the end of $LOG/$daemon.log" >&2
        tail -n 20 "$LOG/$daemon.log" >&2 || true
    done
    fail "$* did not start or stop as it should"
}

main "$@"
