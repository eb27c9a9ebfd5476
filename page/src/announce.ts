/** Says something once, to those who see and to those who listen. */
import { signal } from "@preact/signals";

export interface Said {
  text: string;
  isError: boolean;
}

export const said = signal<Said | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string, isError = false): void {
  said.value = { text, isError };
  clearTimeout(timer);
  timer = setTimeout(() => (said.value = null), isError ? 12_000 : 6000);
}

/** Does something, and says what went wrong; returns whether it was done. */
export async function attempt(doing: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await doing();
    if (done) say(done);
    return true;
  } catch (error) {
    say((error as Error).message, true);
    return false;
  }
}

/** Puts a text on the clipboard, and says so; not every browser lets every page do that. */
export function copy(text: string): Promise<boolean> {
  return attempt(async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      throw new Error("The browser lets this page copy nothing: mark the text, and copy it yourself.");
    }
  }, "Copied.");
}
