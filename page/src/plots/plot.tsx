/** Every plot is a picture with a sentence, and a table of the same numbers behind it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface PlotProps {
  title: string;
  /** What the picture shows, for those who do not see it. */
  summary: string;
  columns: string[];
  rows: () => (string | number)[][];
  children: ComponentChildren;
}

export function Plot({ title, summary, columns, rows, children }: PlotProps) {
  const [open, setOpen] = useState(false);
  return (
    <figure class="plot">
      <figcaption>{title}</figcaption>
      <div role="img" aria-label={summary}>
        {children}
      </div>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          As a table<span class="unseen">: {title}</span>
        </summary>
        {open && (
          <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
            <table class="plain">
              <thead>
                <tr>
                  {columns.map((column) => (
                    <th key={column} scope="col">
                      {column}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows().map((row, at) => (
                  <tr key={at}>
                    {row.map((cell, column) => (
                      <td key={column}>{cell}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </details>
    </figure>
  );
}
