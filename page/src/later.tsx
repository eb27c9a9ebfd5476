/** Parts whose script is asked for when they are first shown, so that nobody waits for what they do not look at. */
import type { ComponentChildren, ComponentType, FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Failed, Loading } from "./ui.tsx";

/** Returns a component that stands for the one that `load` brings; until then `meanwhile` is shown. */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  meanwhile: ComponentChildren = <Loading what="the page" />,
): FunctionComponent<Props> {
  let loaded: ComponentType<Props> | null = null;
  return function Later(props: Props) {
    const [, setLoaded] = useState(false);
    const [failure, setFailure] = useState<Error | null>(null);
    const ask = (): void => {
      setFailure(null);
      load().then((part) => {
        loaded = part;
        setLoaded(true);
      }, setFailure);
    };
    useEffect(() => void (loaded ?? ask()), []);
    if (failure) return <Failed error={failure} retry={ask} />;
    const Part = loaded;
    return Part ? <Part {...props} /> : <>{meanwhile}</>;
  };
}
