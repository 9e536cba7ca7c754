// One after the other: tasks of one name run in the order in which they were given, those of different names side by side.

/** The result is that of the task; one that failed does not stop the next. */
type InOrder = <T>(name: string, task: () => Promise<T>) => Promise<T>;

export function ordered(): InOrder {
  const last = new Map<string, Promise<unknown>>();
  return (name, task) => {
    const before = last.get(name);
    const result = before === undefined ? task() : before.then(task, task);
    last.set(name, result);
    const forget = () => {
      if (last.get(name) === result) last.delete(name);
    };
    result.then(forget, forget);
    return result;
  };
}
