import { WebSocketClient, type WebSocketMessage } from "@mattermost/client";

/** Time a connection may take until the server has said hello. */
const helloTimeoutMs = 10_000;

export interface SocketEvents {
  /** The server said hello on a new connection. */
  hello(): void;
  closed(reason: string): void;
  event(message: WebSocketMessage): void;
}

export interface ChatSocket {
  close(): void;
}

/**
 * Mattermost's WebSocket client, which resumes by connection id and sequence number and reconnects by itself, with tighter times:
 * a half-open connection is noticed within 30 s, a lost one is tried again after 0.5 to 1.5 s, then more slowly up to 30 s.
 * Added to it: an end to connections that never say hello (a token that is not taken, a proxy that swallows), and a `close` that
 * also ends one that is being made. All times are divided by `scale`.
 */
export function openSocket(url: string, token: string, events: SocketEvents, scale = 1): ChatSocket {
  let current: WebSocket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const client = new WebSocketClient({
    clientPingInterval: 15_000 / scale,
    minWebSocketRetryTime: 500 / scale,
    reconnectJitterRange: 1000 / scale,
    maxWebSocketFails: 4,
    maxWebSocketRetryTime: 30_000 / scale,
    newWebSocketFn: (address) => {
      const socket = new WebSocket(address);
      current = socket;
      clearTimeout(timer);
      timer = setTimeout(() => socket.close(), helloTimeoutMs / scale);
      return socket;
    },
  });
  client.addMessageListener((message) => {
    if (closed) return;
    if (message.event === "hello") {
      clearTimeout(timer);
      events.hello();
    } else {
      events.event(message);
    }
  });
  // With such a listener the client keeps connection id and sequence number, and so can resume; what to do about a gap is
  // decided at `hello`, which comes in either case.
  client.addMissedMessageListener(() => undefined);
  client.addCloseListener((failures) => {
    clearTimeout(timer);
    if (!closed) events.closed(failures <= 1 ? "connection lost" : `cannot connect (${failures} tries)`);
  });
  client.initialize(`${url.replace(/^http/, "ws")}/api/v4/websocket`, token);
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      client.close();
      if (current !== undefined && current.readyState !== WebSocket.CLOSED) {
        current.onclose = null;
        current.close();
      }
    },
  };
}
