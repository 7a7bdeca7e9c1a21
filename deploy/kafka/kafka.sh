#!/usr/bin/env bash
# One Apache Kafka broker (KRaft, combined mode) on 127.0.0.1, for tests and trials.
#
#   kafka.sh start DIR [--port N] [--auth]   start it on DIR (made if missing); prints brokers=127.0.0.1:PORT
#   kafka.sh stop DIR                        stop it; what it stored stays
#   kafka.sh restart DIR                     stop and start it on the same ports
#   kafka.sh kill DIR                        end it without a chance to tidy up
#   kafka.sh status DIR                      prints brokers=… if it runs
#   kafka.sh lose DIR TOPIC                  delete a topic, as an operator might by mistake
#
# With --auth clients log in by SASL PLAIN; who may do what is in the table below. These users exist for tests alone.
# Kafka comes from Maven Central as pom.xml names it, once, into ${XDG_CACHE_HOME:-~/.cache}/manpasik. Needs Java 17 and mvn.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")
jars=${XDG_CACHE_HOME:-$HOME/.cache}/manpasik/kafka-$version

fail() {
  echo "kafka.sh: $*" >&2
  exit 1
}

# Brings the jars of pom.xml into the cache, whole or not at all.
resolve() {
  command -v java >/dev/null || fail "no java; install a Java 17 runtime"
  [ -f "$jars/pom.xml" ] && cmp -s "$here/pom.xml" "$jars/pom.xml" && return
  command -v mvn >/dev/null || fail "no mvn; install Maven"
  mkdir -p "$(dirname "$jars")"
  exec 9>"$jars.lock"
  flock 9
  [ -f "$jars/pom.xml" ] && cmp -s "$here/pom.xml" "$jars/pom.xml" && return
  local part
  part=$(mktemp -d "$jars.XXXXXX")
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$part" >&2 ||
    { rm -rf "$part"; fail "Maven could not resolve Kafka $version; see above"; }
  cp "$here/pom.xml" "$part/pom.xml"
  rm -rf "$jars"
  mv "$part" "$jars"
  exec 9>&-
}

# A port that nobody listens on now.
free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  fail "found no free port on 127.0.0.1"
}

configure() {
  local dir=$1 port=$2 controller=$3 auth=$4 protocol=PLAINTEXT
  [ "$auth" = yes ] && protocol=SASL_PLAINTEXT
  cat >"$dir/server.properties" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=CLIENTS://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=CLIENTS://127.0.0.1:$port
listener.security.protocol.map=CLIENTS:$protocol,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
log.dirs=$dir/data
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# Records carry event time, and a replayed recording lies further back than any age limit: nothing is deleted by age.
log.retention.hours=-1
log.segment.bytes=134217728
num.network.threads=2
num.io.threads=4
EOF
  [ "$auth" = yes ] || return 0
  cat >>"$dir/server.properties" <<EOF
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  username="admin" password="admin-secret" user_admin="admin-secret" \\
  user_observer="observer-secret" user_guest="guest-secret";
EOF
  cat >"$dir/admin.properties" <<EOF
security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="admin-secret";
EOF
}

# admin may do everything, observer may read and open transactions but not write, guest may do nothing.
grant() {
  local dir=$1 brokers=$2
  local acls=(java -Xmx128m -cp "$jars/*" org.apache.kafka.tools.AclCommand --bootstrap-server "$brokers"
    --command-config "$dir/admin.properties" --add --allow-principal User:observer)
  "${acls[@]}" --operation Read --operation Describe --topic '*' --group '*' >>"$dir/server.log" 2>&1 &&
    "${acls[@]}" --operation Write --operation Describe --transactional-id '*' >>"$dir/server.log" 2>&1
}

pid_of() {
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null && echo "$pid"
}

launch() {
  local dir=$1 brokers pid
  brokers=$(cat "$dir/brokers")
  # 512 MB hold a test's load; the first-tier compiler starts faster and takes less of a small machine.
  nohup java -Xms128m -Xmx512m -XX:TieredStopAtLevel="${KAFKA_TIER:-4}" -cp "$jars/*" kafka.Kafka "$dir/server.properties" \
    >>"$dir/server.log" 2>&1 9>&- </dev/null &
  pid=$!
  echo "$pid" >"$dir/pid"
  for _ in $(seq 300); do
    kill -0 "$pid" 2>/dev/null || { tail -20 "$dir/server.log" >&2; fail "the broker ended; see $dir/server.log"; }
    if (exec 3<>"/dev/tcp/${brokers%:*}/${brokers#*:}") 2>/dev/null; then
      if [ -f "$dir/admin.properties" ] && [ ! -f "$dir/granted" ]; then
        grant "$dir" "$brokers" || fail "could not grant rights; see $dir/server.log"
        touch "$dir/granted"
      fi
      echo "brokers=$brokers"
      return
    fi
    sleep 0.2
  done
  fail "the broker was not ready within 60 s; see $dir/server.log"
}

start() {
  local dir=$1 port="" auth=no
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --port) port=${2:?--port needs a number}; shift 2 ;;
      --auth) auth=yes; shift ;;
      *) fail "unknown option $1" ;;
    esac
  done
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  [ -z "$(pid_of "$dir")" ] || fail "a broker runs on $dir already"
  resolve
  if [ ! -f "$dir/server.properties" ]; then
    port=${port:-$(free_port)}
    local controller
    controller=$(free_port)
    configure "$dir" "$port" "$controller" "$auth"
    echo "127.0.0.1:$port" >"$dir/brokers"
    java -Xmx128m -cp "$jars/*" kafka.tools.StorageTool format -t "$(java -Xmx64m -cp "$jars/*" kafka.tools.StorageTool random-uuid 2>/dev/null)" \
      -c "$dir/server.properties" >>"$dir/server.log" 2>&1 || { tail -20 "$dir/server.log" >&2; fail "could not format $dir"; }
  fi
  launch "$dir"
}

# Ends the broker: with TERM it tidies up, with KILL it cannot.
end() {
  local dir=$1 signal=$2 pid
  pid=$(pid_of "$dir") || return 0
  kill "-$signal" "$pid"
  for _ in $(seq 150); do
    kill -0 "$pid" 2>/dev/null || { rm -f "$dir/pid"; return; }
    sleep 0.2
  done
  kill -KILL "$pid"
  rm -f "$dir/pid"
}

[ $# -ge 2 ] || fail "usage: kafka.sh start|stop|restart|kill|status|lose DIR [--port N] [--auth]"
command=$1 dir=$2
shift 2
case $command in
  start) start "$dir" "$@" ;;
  stop) end "$dir" TERM ;;
  kill) end "$dir" KILL ;;
  restart) end "$dir" TERM; start "$dir" ;;
  status) [ -n "$(pid_of "$dir")" ] || fail "no broker runs on $dir"; echo "brokers=$(cat "$dir/brokers")" ;;
  lose)
    java -Xmx128m -cp "$jars/*" org.apache.kafka.tools.TopicCommand --bootstrap-server "$(cat "$dir/brokers")" \
      --delete --topic "${1:?lose needs a topic}" >>"$dir/server.log" 2>&1 || fail "could not delete $1; see $dir/server.log"
    ;;
  *) fail "unknown command $command" ;;
esac
