/** Where a Mattermost server listens, stores and is reached. */
export interface MattermostPlace {
  /** `http://10.220.1.20:8065`, what people and agents use. */
  readonly siteUrl: string;
  /** `:8065` or `127.0.0.1:18065`. */
  readonly listen: string;
  /** Absolute folder of files, plugins and the server's own state. */
  readonly data: string;
}

/**
 * Every setting that Olympus fixes, as the server's `MM_*` variables, but the address of the database, which holds a password.
 * The server lets these win over its own configuration and shows them as fixed in its console.
 */
export function mattermostSettings(place: MattermostPlace): Record<string, string> {
  return {
    MM_CONFIG: `${place.data}/config.json`,
    MM_SERVICESETTINGS_SITEURL: place.siteUrl,
    MM_SERVICESETTINGS_LISTENADDRESS: place.listen,
    MM_SQLSETTINGS_DRIVERNAME: "postgres",
    MM_SQLSETTINGS_MAXOPENCONNS: "50",
    MM_FILESETTINGS_DIRECTORY: `${place.data}/files/`,
    MM_PLUGINSETTINGS_DIRECTORY: `${place.data}/plugins`,
    MM_PLUGINSETTINGS_CLIENTDIRECTORY: `${place.data}/client-plugins`,
    // Agents are bots with tokens of their own.
    MM_SERVICESETTINGS_ENABLEBOTACCOUNTCREATION: "true",
    MM_SERVICESETTINGS_ENABLEUSERACCESSTOKENS: "true",
    // Only the team file adds people.
    MM_TEAMSETTINGS_ENABLEOPENSERVER: "false",
    MM_TEAMSETTINGS_TEAMMATENAMEDISPLAY: "nickname_full_name",
    MM_SERVICESETTINGS_COLLAPSEDTHREADS: "default_on",
    MM_SERVICESETTINGS_ENABLEONBOARDINGFLOW: "false",
    // Nothing leaves the network by itself: no telemetry, version checks, notices, marketplace, previews, push or mail.
    MM_LOGSETTINGS_ENABLEDIAGNOSTICS: "false",
    MM_LOGSETTINGS_ENABLESENTRY: "false",
    MM_SERVICESETTINGS_ENABLESECURITYFIXALERT: "false",
    MM_SERVICESETTINGS_ENABLELINKPREVIEWS: "false",
    MM_SERVICESETTINGS_ENABLEGIFPICKER: "false",
    MM_ANNOUNCEMENTSETTINGS_ADMINNOTICESENABLED: "false",
    MM_ANNOUNCEMENTSETTINGS_USERNOTICESENABLED: "false",
    MM_PLUGINSETTINGS_ENABLE: "false",
    MM_PLUGINSETTINGS_ENABLEMARKETPLACE: "false",
    MM_PLUGINSETTINGS_ENABLEREMOTEMARKETPLACE: "false",
    MM_PLUGINSETTINGS_AUTOMATICPREPACKAGEDPLUGINS: "false",
    MM_EMAILSETTINGS_SENDEMAILNOTIFICATIONS: "false",
    MM_EMAILSETTINGS_SENDPUSHNOTIFICATIONS: "false",
    MM_EMAILSETTINGS_ENABLEPREVIEWMODEBANNER: "false",
    // The journal keeps the log.
    MM_LOGSETTINGS_ENABLEFILE: "false",
    MM_LOGSETTINGS_ENABLECONSOLE: "true",
    MM_LOGSETTINGS_CONSOLEJSON: "true",
    MM_LOGSETTINGS_CONSOLELEVEL: "INFO",
  };
}
