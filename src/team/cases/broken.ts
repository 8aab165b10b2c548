/** A sound team file (sound.yaml) made unsound: each edit replaces the first occurrence of a text. What is said of it stands in broken.expected.txt. */
export const brokenFiles: readonly { readonly name: string; readonly edits: readonly (readonly [string, string])[] }[] =
  [
    { name: "two machines with one address", edits: [["10.1.0.51", "10.1.0.50"]] },
    { name: "a machine with a hypervisor's address", edits: [["10.1.0.20", "10.1.0.3"]] },
    { name: "two hypervisors with one address", edits: [["10.1.0.3,", "10.1.0.2,"]] },
    { name: "address on the gateway", edits: [["address: 10.1.0.50", "address: 10.1.0.1"]] },
    {
      name: "address of the network and broadcast",
      edits: [
        ["10.1.0.50", "10.1.0.0"],
        ["10.1.0.51", "10.1.0.255"],
      ],
    },
    { name: "address outside the network", edits: [["10.1.0.50", "10.9.0.50"]] },
    { name: "gateway outside the network", edits: [["gateway: 10.1.0.1", "gateway: 10.9.0.1"]] },
    { name: "network with host bits", edits: [["cidr: 10.1.0.0/24", "cidr: 10.1.0.7/24"]] },
    { name: "#53 a hypervisor that has IPv6 alone", edits: [["10.1.0.3,", "'fd00::3',"]] },
    { name: "no address at all", edits: [["10.1.0.50", "10.1.0.500"]] },
    { name: "a size without a unit that is one", edits: [["memory: 32 GB", "memory: 2 gigs"]] },
    { name: "unknown hypervisor", edits: [["on: south", "on: sout"]] },
    { name: "unknown template", edits: [["template: medium", "template: mediun"]] },
    { name: "unknown lens", edits: [["lenses: [product]", "lenses: [produkt]"]] },
    { name: "unknown duty", edits: [["duties: [orchestration]", "duties: [orchestrating]"]] },
    {
      name: "unknown image",
      edits: [["    template: light\n    duties", "    template: light\n    image: debian-21\n    duties"]],
    },
    {
      name: "unknown role",
      edits: [
        ["    template: light\n    duties", "    template: light\n    roles: { postgres: { port: 1 } }\n    duties"],
      ],
    },
    { name: "unknown person or agent in a team", edits: [["mara]", "maria]"]] },
    { name: "agent in no team", edits: [["[athena, apollo, mara]", "[apollo, mara]"]] },
    {
      name: "unknown end of a way, twice the same way",
      edits: [
        [
          "purpose: chat }",
          "purpose: chat }\n  - { from: agent, to: chat, protocol: http, port: 8065, purpose: chat }\n  - { from: agents, to: chat, protocol: http, port: 8065, purpose: again }",
        ],
      ],
    },
    { name: "memory overcommitted", edits: [["template: light\n", "template: heavy\n"]] },
    { name: "disk and vCPU overcommitted", edits: [["    disk: 1 TB\n    cpus: 8", "    disk: 500 GB\n    cpus: 1"]] },
    { name: "service without a size", edits: [["template: light, services", "memory: 2 GB, services"]] },
    {
      name: "agents without a model",
      edits: [
        [
          "  models:\n    - { provider: anthropic, model: claude, price: { input: 3, output: 15 } }\n",
          "  models: []\n",
        ],
      ],
    },
    { name: "own models empty", edits: [["    template: medium\n", "    template: medium\n    models: []\n"]] },
    {
      name: "model without price, without address, without key",
      edits: [
        [
          "model: claude, price: { input: 3, output: 15 } }",
          "model: claude }\n    - { provider: openai-compatible, model: llama, price: { input: 1, output: 1 } }\n    - { provider: rehearsal, model: script }",
        ],
      ],
    },
    { name: "negative price", edits: [["input: 3,", "input: -3,"]] },
    { name: "budgets that sum to more than the team's", edits: [["budget: { day: 10 }", "budget: { day: 8 }"]] },
    {
      name: "tokens of a run and of the agents' days that do not fit",
      edits: [
        ["budget: { run: 1, day: 5 }", "budget: { run: 1, day: 5, runTokens: 9000, dayTokens: 8000 }"],
        ["budget: { day: 10 }", "budget: { day: 10, dayTokens: 15000 }"],
      ],
    },
    {
      name: "a team's limit in tokens that agents have no share of",
      edits: [["budget: { day: 10 }", "budget: { day: 10, dayTokens: 15000 }"]],
    },
    {
      name: "no model for chat, an unknown kind of work",
      edits: [
        ["price: { input: 3, output: 15 } }", "price: { input: 3, output: 15 }, for: [code] }"],
        [
          "    template: medium\n",
          "    template: medium\n    models: [{ provider: openai, model: gpt-5, for: [coding] }]\n",
        ],
      ],
    },
    {
      name: "personas with secrets, strangers, gaps, and that of another agent",
      edits: [
        ["persona: You plan.", 'persona: "You plan with @olaf. The token: tok-12345678."'],
        [
          "persona: You build.",
          'persona: "You are Athena. {{duties}}"\n    rules: ["Never tell sk-abcdefghijklmnop1234"]',
        ],
      ],
    },
    {
      name: "schedules at no time, in no channel, in another's",
      edits: [
        [
          "    persona: You plan.\n",
          '    persona: You plan.\n    schedules:\n      daily: { at: "0 25 * * *", channel: olympus/dev, task: Report. }\n      weekly: { at: "0 9 * * 1", channel: olympus/devel, task: Report. }\n',
        ],
        [
          "    persona: You build.\n",
          '    persona: You build.\n    schedules: { daily: { at: "0 9 * * *", channel: olympus/dev, task: Report., timezone: Mars/Olympus } }\n    quietHours: { from: "20:00", to: 7am }\n',
        ],
        ["[athena, apollo, mara]", "[athena, mara]"],
      ],
    },
    { name: "run dearer than its day", edits: [["run: 1,", "run: 7,"]] },
    {
      name: "unknown keys",
      edits: [
        ["    persona: You plan.", "    personna: You plan."],
        ["policy:", "polices: {}\npolicy:"],
        ["cpus: 8 }", "cpu: 8 }"],
      ],
    },
    { name: "merge key", edits: [["  apollo:\n    on: north", "  apollo:\n    <<: { on: north }"]] },
    {
      name: "list where a map belongs",
      edits: [
        [
          "people:\n  mara: { email: mara@olympus.example, command: true, approve: [merge] }",
          "people:\n  - name: mara",
        ],
        [", mara]", "]"],
      ],
    },
    {
      name: "map where a list belongs, text where a truth value belongs",
      edits: [
        ["approve: [merge]", "approve: { merge: true }"],
        ["command: true", "command: yes"],
      ],
    },
    {
      name: "capital letters",
      edits: [
        ["  athena:", "  Athena:"],
        ["[athena,", "[Athena,"],
      ],
    },
    {
      name: "reserved and doubled names",
      edits: [
        ["  agora: {", "  chat: {"],
        ["  mara: {", "  apollo: {"],
        [", mara]", "]"],
      ],
    },
    {
      name: "a person with a login of the machine's own",
      edits: [
        ["  mara: {", "  agent: {"],
        [", mara]", "]"],
      ],
    },
    { name: "two with one email, another case", edits: [["mara@olympus.example", "Athena@olympus.example"]] },
    {
      name: "bad email and size and port",
      edits: [
        ["email: apollo@olympus.example", "email: apollo"],
        ["memory: 32 GB\n", "memory: 32gb\n"],
        ["8065", "80650"],
      ],
    },
    {
      name: "bad host key",
      edits: [
        ["    cpus: 8\n", "    cpus: 8\n    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPBbDqsy1G/\n"],
        ["disk: 1 TB, cpus: 8", "disk: 1 TB, cpus: 8, hostKey: secret"],
      ],
    },
    {
      name: "missing keys",
      edits: [
        ["  gateway: 10.1.0.1\n", ""],
        ["    email: apollo@olympus.example\n", ""],
        ["policy:\n  budget: { day: 10 }\n", ""],
      ],
    },
    {
      name: "empty section",
      edits: [
        ["people:\n  mara: { email: mara@olympus.example, command: true, approve: [merge] }", "people:"],
        [", mara]", "]"],
      ],
    },
    {
      name: "lab publishes an unknown address",
      edits: [["policy:", 'lab:\n  publish: { "8065": "10.1.0.99:8065" }\npolicy:']],
    },
    {
      name: "lab publishes an address that cannot be read",
      edits: [
        ["policy:", 'lab:\n  publish: { "8065": "10.1.0.20:8065" }\npolicy:'],
        ["10.1.0.20", "10.1.0.320"],
      ],
    },
    {
      name: "more words of an agent than a call should carry",
      edits: [["persona: You build.", `persona: You build.\n    rules: [${`${"x".repeat(300)}, `.repeat(14)}]`]],
    },
    { name: "unknown time zone", edits: [["defaults:", "defaults:\n  timezone: Mars/Olympus"]] },
    { name: "tabs", edits: [["    on: north\n    address: 10.1.0.50", "\ton: north\n\taddress: 10.1.0.50"]] },
    { name: "an indentation that fits nothing", edits: [["    address: 10.1.0.50", "   address: 10.1.0.50"]] },
    { name: "open quote", edits: [["persona: You build.", 'persona: "You build.']] },
    {
      name: "aliases that explode",
      edits: [
        [
          "name: tiny\n",
          "name: tiny\nx: [&a [1,1,1,1,1,1,1,1,1], &b [*a,*a,*a,*a,*a,*a,*a,*a,*a], &c [*b,*b,*b,*b,*b,*b,*b,*b,*b], &d [*c,*c,*c,*c,*c,*c,*c,*c,*c], &e [*d,*d,*d,*d,*d,*d,*d]]\n",
        ],
      ],
    },
    { name: "a key twice, and another mistake", edits: [["  apollo:\n", "  athena:\n"]] },
    { name: "unclosed bracket", edits: [["channels: [dev]", "channels: [dev"]] },
    { name: "two documents", edits: [["policy:", "---\npolicy:"]] },
    { name: "alias without an anchor", edits: [["persona: You plan.", "persona: *plan"]] },
    { name: "not a map", edits: [["*", "just text\n"]] },
    { name: "nothing", edits: [["*", ""]] },
  ];
