/** The small parts that every page is made of. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { ApiError } from "./api/client.ts";
import { time } from "./clock.ts";
import { ago, moment } from "./format.ts";
import { takeFocus, useTarget } from "./router.ts";

/** Text from elsewhere, kept from turning the text around it. */
export const Foreign = ({ children }: { children: string }) => <bdi>{children}</bdi>;

export function Age({ at, none = "never" }: { at: string | null | undefined; none?: string }) {
  if (!at) return <span class="muted">{none}</span>;
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at, time())}
    </time>
  );
}

/** The page's name, which is the name of the browser's tab, too. */
export function Heading({ children }: { children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => takeFocus(heading.current!), []);
  useEffect(() => {
    document.title = `${heading.current!.textContent} · Repository Watchlist`;
  });
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

interface SectionProps {
  title: string;
  id: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}

export function Section({ title, id, aside, children }: SectionProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useTarget(id, () => {
    heading.current!.scrollIntoView();
    heading.current!.focus({ preventScroll: true });
  });
  return (
    <section class="panel" aria-labelledby={id}>
      <div class="panel-head">
        <h2 ref={heading} id={id} tabIndex={-1}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Shown where there is nothing yet, or nothing any more. */
export function Notice({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <p class="notice-title">{title}</p>
      {children}
    </div>
  );
}

export function Failed({ error, retry }: { error: Error; retry?: () => void }) {
  const offline = error instanceof ApiError && error.isOffline;
  return (
    <div class="notice notice-bad" role="alert">
      <p class="notice-title">{offline ? "The service cannot be reached" : "This could not be loaded"}</p>
      <p>{offline ? "The page asks again by itself." : error.message}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again now
        </button>
      )}
    </div>
  );
}

/** What has the shape of what comes, without its content. */
export function Loading({ rows = 6, what }: { rows?: number; what: string }) {
  return (
    <div class="loading" role="status">
      <span class="unseen">Loading {what} …</span>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} class="bone" />
      ))}
    </div>
  );
}

interface DialogProps {
  title: string;
  close: () => void;
  children: ComponentChildren;
  wide?: boolean;
}

export function Dialog({ title, close, children, wide }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => before?.focus();
  }, []);
  return (
    <dialog ref={dialog} class={wide ? "wide" : ""} aria-labelledby="dialog-title" onClose={close}>
      <div class="panel-head">
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={close}>
          ✕
        </button>
      </div>
      {children}
    </dialog>
  );
}

export interface FactProps {
  label: string;
  children: ComponentChildren;
  note?: ComponentChildren;
}

/** One number that matters, with what it is and what it means. */
export function Fact({ label, children, note }: FactProps) {
  return (
    <div class="fact">
      <dt>{label}</dt>
      <dd>
        <span class="fact-value">{children}</span>
        {note && <span class="fact-note">{note}</span>}
      </dd>
    </div>
  );
}

/** A link to elsewhere, if the address may be linked; else the text alone. */
export function Elsewhere({ href, children }: { href: string | null; children: ComponentChildren }) {
  if (href === null) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
      <span class="unseen"> (opens elsewhere)</span>
      <span class="arrow" aria-hidden="true">
        ↗
      </span>
    </a>
  );
}

/** Asks before something is done that cannot be undone. */
export function Confirm(props: { title: string; action: string; close: () => void; run: () => void; children: ComponentChildren }) {
  return (
    <Dialog title={props.title} close={props.close}>
      {props.children}
      <div class="actions">
        <button type="button" onClick={props.close}>
          Cancel
        </button>
        <button type="button" class="danger" onClick={props.run}>
          {props.action}
        </button>
      </div>
    </Dialog>
  );
}

/** Runs a handler and keeps the form on the page. */
export function submitting(run: (form: FormData) => void): (event: SubmitEvent) => void {
  return (event) => {
    event.preventDefault();
    run(new FormData(event.currentTarget as HTMLFormElement));
  };
}
