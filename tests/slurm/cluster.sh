#!/usr/bin/env bash
# A Slurm cluster of two nodes on this machine, in a folder of its own and on free ports, for whoever calls it.
#
#   cluster.sh start DIR   starts it and writes DIR/slurm.conf (SLURM_CONF of whoever uses it)
#   cluster.sh stop DIR    ends its daemons, those and no others
#   cluster.sh restart DIR ends the controller and starts it again
set -eu
command=$1 dir=$2
PATH=$PATH:/usr/sbin:/sbin

# Ends the process of a pid file, if it is one of this cluster's.
end() {
  [ -s "$1" ] || return 0
  local pid
  pid=$(cat "$1")
  # What has ended and was not waited for has no command line any more.
  is_ours() { tr '\0' ' ' 2>/dev/null < "/proc/$pid/cmdline" | grep -qF "$dir"; }
  is_ours || return 0
  kill "$pid" 2>/dev/null || true
  # A controller that is killed before it has saved its state forgets jobs.
  for _ in $(seq 300); do is_ours || return 0; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
}

case $command in
start)
  mkdir -p "$dir/state" "$dir/log"
  read -r control first second < <(python3 - <<'P'
import socket
held = [socket.socket() for _ in range(3)]
[one.bind(("127.0.0.1", 0)) for one in held]
print(*[one.getsockname()[1] for one in held])
P
)
  host=$(hostname -s) user=$(id -un)
  cat > "$dir/slurm.conf" <<C
ClusterName=faceprobe
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/none
CredType=cred/none
# A task that was put back into the queue waits for so long, 120 s otherwise.
AuthInfo=cred_expire=10
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/ctld.pid
SlurmdPidFile=$dir/%n.pid
SlurmctldLogFile=$dir/log/ctld
SlurmdLogFile=$dir/log/%n
SlurmctldPort=$control
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
MpiDefault=none
MinJobAge=10
SlurmctldTimeout=10
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$first CPUs=1
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$second CPUs=1
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
C
  export SLURM_CONF=$dir/slurm.conf
  slurmctld -c -f "$SLURM_CONF"
  slurmd -f "$SLURM_CONF" -N n1
  slurmd -f "$SLURM_CONF" -N n2
  for _ in $(seq 100); do
    [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ] && exit 0
    sleep 0.2
  done
  tail -n 5 "$dir"/log/* >&2
  exit 1
  ;;
restart)
  export SLURM_CONF=$dir/slurm.conf
  end "$dir/ctld.pid"
  sleep 3
  slurmctld -f "$SLURM_CONF"
  ;;
stop)
  export SLURM_CONF=$dir/slurm.conf
  timeout 5 scancel --me 2>/dev/null || true
  end "$dir/n1.pid"; end "$dir/n2.pid"; end "$dir/ctld.pid"
  ;;
esac
