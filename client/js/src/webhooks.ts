/** A message of a webhook that is from the service. `id` is the same for every try to deliver it. */
export interface Webhook {
  readonly id: string;
  /** When this try was made. */
  readonly sentAt: Date;
  readonly payload: unknown;
}

/** A `Request`, or what a framework gives: the headers, and the body as it came, not parsed. */
export type WebhookRequest = Request | { readonly headers: Headers; readonly body: string | Uint8Array };

/** A message that is not from the service, or too old. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
}

const TOLERANCE_SECONDS = 300;
const HMAC = { name: "HMAC", hash: "SHA-256" };
const ED25519 = { name: "Ed25519" };

/**
 * Verify a message by Standard Webhooks 1.0.0: signed with one of the secrets (`whsec_…`, HMAC-SHA-256) or by the holder
 * of one of the public keys (`whpk_…`, Ed25519), at most 5 minutes ago. Several serve while secrets are rotated. Consumes
 * the body. Throws `WebhookError`. Whoever acts on a message notes its `id`, because it can come more than once.
 */
export async function verifyWebhook(request: WebhookRequest, secrets: string | readonly string[]): Promise<Webhook> {
  const { headers } = request;
  const body = request instanceof Request ? new Uint8Array(await request.arrayBuffer()) : bytesOf(request.body as string);
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) => headers.get(`webhook-${name}`));
  if (!id || !timestamp || !signatures) throw new WebhookError("A header is missing");
  if (!/^[0-9]{1,12}$/.test(timestamp)) throw new WebhookError("The timestamp is no number of seconds");
  if (Math.abs(Date.now() / 1000 - +timestamp) > TOLERANCE_SECONDS) throw new WebhookError("The message is too old or too new");
  const head = bytesOf(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  if (!(await isSigned(signed, signatures.split(" "), typeof secrets === "string" ? [secrets] : secrets))) {
    throw new WebhookError("No signature is right");
  }
  try {
    const payload: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return { id, sentAt: new Date(+timestamp * 1000), payload };
  } catch {
    throw new WebhookError("The body is not JSON");
  }
}

/** Whether one signature is that of one secret or key, each compared in constant time. */
async function isSigned(message: Uint8Array<ArrayBuffer>, signatures: string[], secrets: readonly string[]): Promise<boolean> {
  for (const secret of secrets) {
    const isPublic = secret.startsWith("whpk_");
    const algorithm = isPublic ? ED25519 : HMAC;
    const raw = bytesIn(secret.replace(/^wh(sec|pk)_/, ""));
    if (!raw?.length) throw new TypeError("A secret is `whsec_` or `whpk_` and base64");
    const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["verify"]);
    const version = isPublic ? "v1a," : "v1,";
    for (const signature of signatures.filter((one) => one.startsWith(version))) {
      const given = bytesIn(signature.slice(version.length));
      if (given && (await crypto.subtle.verify(algorithm, key, given, message))) return true;
    }
  }
  return false;
}

function bytesOf(text: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return typeof text === "string" ? new TextEncoder().encode(text) : new Uint8Array(text);
}

/** The bytes of base64; null for other text. */
function bytesIn(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
