import { ChatError } from "../chat-port.ts";

/** A thread that the server cannot read: because it is gone, or because reading failed just then. */
export const rootUnread = "api.post.create_post.root_id.app_error";

/**
 * What Mattermost says, by the id of its error, when asking again is of no use. Its HTTP statuses do not tell: 403 and 404 also come
 * from a proxy, a server that starts, a firewall; and it answers 400 and 500 to what will never work.
 */
const permanent: ReadonlySet<string> = new Set([
  // Not a member (any more), or not allowed to.
  "api.context.permissions.app_error",
  // The channel is archived.
  "api.post.create_post.can_not_post_to_deleted.error",
  "api.reaction.save.archived_channel.app_error",
  "api.user.view_archived_channels.get_posts_for_channel.app_error",
  // The channel is gone.
  "app.channel.get.existing.app_error",
  "app.channel.get_by_name.missing.app_error",
  "app.team.get_by_name.missing.app_error",
  // The post, or the thread's first post, is gone, or in another channel now.
  "app.post.get.app_error",
  rootUnread,
  "api.post.create_post.channel_root_id.app_error",
  // Malformed: longer than the server takes, for one.
  "model.post.is_valid.msg.app_error",
  "model.post.is_valid.props.app_error",
  // No files here at all, or none so large.
  "api.file.attachments.disabled.app_error",
  "api.file.upload_file.too_large_detailed.app_error",
  // A plugin that looks at posts wants none of it.
  "plugin.message_will_be_posted.dismiss_post",
]);
const plugin = "Post rejected by plugin.";

/** An answer that is not a success, as the kind of error that the harness works by. */
export function refusal(status: number, headers: Headers, text: string): ChatError {
  const { id, message } = parse(text);
  const words = `HTTP ${status}: ${message}${id === undefined ? "" : ` (${id.slice(0, 100)})`}`;
  const error = (kind: ChatError["kind"], wait?: number) => new ChatError(kind, words, { retryAfterMs: wait, id });
  if (status === 401) return error("unauthorised");
  if (status === 429) return error("retry", waitIn(headers));
  // Reading a post fails under the same id when the database does.
  if (id === "app.post.get.app_error" && status >= 500) return error("retry");
  if (id !== undefined && (permanent.has(id) || id.startsWith(plugin))) return error("refused");
  return error(status >= 500 || status === 408 ? "retry" : "unclear");
}

/** Mattermost names the second at which requests are counted anew as `X-Ratelimit-Reset`: seconds from now. */
function waitIn(headers: Headers): number {
  const seconds = Number(headers.get("retry-after") ?? headers.get("x-ratelimit-reset"));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 60) * 1000 : 1000;
}

function parse(text: string): { id: string | undefined; message: string } {
  try {
    const { id, message } = (JSON.parse(text) ?? {}) as { id?: unknown; message?: unknown };
    return {
      id: typeof id === "string" ? id : undefined,
      message: typeof message === "string" ? message : text.slice(0, 200),
    };
  } catch {
    // A proxy's page or the rate limiter's plain words.
    return { id: undefined, message: text.slice(0, 200) };
  }
}
