/**
 * The service behind the language host. The official host starts a second Node with ts-node; this one loads the entry point by Node's
 * own type stripping, in this process, which saves about a second a run.
 */
import { createRequire, flushCompileCache } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as grpc from "@grpc/grpc-js";
import type * as PulumiLog from "@pulumi/pulumi/log/index.js";
import type * as LanguageMessages from "@pulumi/pulumi/proto/language_pb.js";
import type * as PluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import { programError } from "./program-error.ts";
import { type RequiredPackage, requiredPackages } from "./required-packages.ts";

// CommonJS without named exports that Node could detect.
const require = createRequire(import.meta.url);
const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb.js") as {
  LanguageRuntimeService: grpc.ServiceDefinition;
};
const messages = require("@pulumi/pulumi/proto/language_pb.js") as typeof LanguageMessages;
const plugin = require("@pulumi/pulumi/proto/plugin_pb.js") as typeof PluginMessages;
const { LanguageServer } = require("@pulumi/pulumi/automation/server.js") as {
  // Marked as internal, so its declaration is stripped from the package.
  LanguageServer: new (
    program: () => Promise<unknown>,
  ) => {
    run(
      call: unknown,
      callback: (error: grpc.ServiceError | null, response: LanguageMessages.RunResponse) => void,
    ): unknown;
  };
};
const { version } = require("@pulumi/pulumi/package.json") as { version: string };

const log = require("@pulumi/pulumi/log/index.js") as typeof PulumiLog;

type Unary<Request, Response> = grpc.handleUnaryCall<Request, Response>;

/** Where the engine listens; handed on to the program's side of the SDK. */
let engine = "";

const run: Unary<LanguageMessages.RunRequest, LanguageMessages.RunResponse> = (call, callback) => {
  const request = call.request;
  const info = request.getInfo();
  const folder = info?.getProgramDirectory() || request.getPwd();
  const entry = resolve(folder, info?.getEntryPoint() || request.getProgram());
  process.chdir(request.getPwd());
  const program = async (): Promise<unknown> => {
    try {
      const loaded = (await import(pathToFileURL(entry).href)) as { default?: unknown };
      // As with the official host: a function is the program and its result the outputs, anything else are the outputs.
      return typeof loaded.default === "function" ? await loaded.default() : (loaded.default ?? loaded);
    } catch (error) {
      throw programError(error);
    }
  };
  // The server takes the engine's address from the first argument, where the Automation API puts it.
  request.setArgsList([engine, ...request.getArgsList()]);
  const server = new LanguageServer(program);
  // That server answers an error twice, as an error and as a result; and it has told the engine about it before.
  let answered = false;
  server.run(call, (error, response) => {
    if (answered) return;
    answered = true;
    if (error === null || error === undefined || !log.hasErrors()) return callback(error, response);
    const told = new messages.RunResponse();
    told.setBail(true);
    callback(null, told);
  });
  // The engine kills this process when it is done, so what was compiled is kept now.
  call.on("close", () => flushCompileCache());
};

function dependencyOf(required: RequiredPackage): PluginMessages.PackageDependency {
  const dependency = new plugin.PackageDependency();
  dependency.setName(required.name);
  dependency.setKind("resource");
  dependency.setVersion(required.version);
  dependency.setServer(required.server ?? "");
  if (required.parameterization !== undefined) {
    const parameterization = new plugin.PackageParameterization();
    parameterization.setName(required.parameterization.name);
    parameterization.setVersion(required.parameterization.version);
    parameterization.setValue(required.parameterization.value);
    dependency.setParameterization(parameterization);
  }
  return dependency;
}

const handlers: grpc.UntypedServiceImplementation = {
  handshake: ((_call, callback) => callback(null, new messages.LanguageHandshakeResponse())) as Unary<
    LanguageMessages.LanguageHandshakeRequest,
    LanguageMessages.LanguageHandshakeResponse
  >,
  // Only older engines ask for this.
  getRequiredPlugins: ((_call, callback) => callback(null, new messages.GetRequiredPluginsResponse())) as Unary<
    LanguageMessages.GetRequiredPluginsRequest,
    LanguageMessages.GetRequiredPluginsResponse
  >,
  getRequiredPackages: ((call, callback) => {
    const response = new messages.GetRequiredPackagesResponse();
    for (const required of requiredPackages(call.request.getInfo()?.getProgramDirectory() ?? process.cwd())) {
      response.addPackages(dependencyOf(required));
    }
    callback(null, response);
  }) as Unary<LanguageMessages.GetRequiredPackagesRequest, LanguageMessages.GetRequiredPackagesResponse>,
  run: run as grpc.UntypedHandleCall,
  getPluginInfo: ((_call, callback) => {
    const info = new plugin.PluginInfo();
    info.setVersion(version);
    callback(null, info);
  }) as Unary<unknown, PluginMessages.PluginInfo>,
  about: ((_call, callback) => {
    const about = new messages.AboutResponse();
    about.setExecutable(process.execPath);
    about.setVersion(process.version);
    callback(null, about);
  }) as Unary<LanguageMessages.AboutRequest, LanguageMessages.AboutResponse>,
  installDependencies: ((call) => {
    // `pulumi install` in a checkout: the packages are npm's business, and their lock file is exact.
    const line = new messages.InstallDependenciesResponse();
    line.setStdout(new TextEncoder().encode("packages are installed by: npm ci\n"));
    call.write(line);
    call.end();
  }) as grpc.handleServerStreamingCall<
    LanguageMessages.InstallDependenciesRequest,
    LanguageMessages.InstallDependenciesResponse
  >,
  getProgramDependencies: ((_call, callback) => {
    const response = new messages.GetProgramDependenciesResponse();
    const dependency = new messages.DependencyInfo();
    dependency.setName("@pulumi/pulumi");
    dependency.setVersion(version);
    response.setDependenciesList([dependency]);
    callback(null, response);
  }) as Unary<LanguageMessages.GetProgramDependenciesRequest, LanguageMessages.GetProgramDependenciesResponse>,
  cancel: ((_call, callback) => {
    callback(null, new (require("google-protobuf/google/protobuf/empty_pb.js").Empty)());
  }) as Unary<unknown, unknown>,
};

/** Serves the engine whose address is the last argument (options come before it as `-name=value`), and prints the port. */
export function serve(words: readonly string[]): void {
  engine = words.findLast((word) => !word.startsWith("-")) ?? "";
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(LanguageRuntimeService, handlers);
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    // The engine reads the port from the first line.
    process.stdout.write(`${port}\n`);
  });
}
