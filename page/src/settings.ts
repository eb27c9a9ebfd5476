/** What the server that sent the page says of itself. */
export interface PageSettings {
  /** The WebSocket API's address, or its path at the page's own one; null where there is none. */
  live_url: string | null;
  /** Who lets callers in: nobody asks, a token of `issuer`, or a signature that a browser cannot make. */
  access: "open" | "token" | "signature";
  issuer: string | null;
  client_id: string | null;
}

/** Reads them from the page, whose server put them there; every other datum comes from the API. */
export function readSettings(document: Document): PageSettings {
  const content = document.querySelector<HTMLMetaElement>('meta[name="watchlist-settings"]')?.content ?? "";
  return JSON.parse(content) as PageSettings;
}
