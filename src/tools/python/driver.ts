/**
 * What runs the model's programs inside Python: like a notebook, each program goes on with the names of those before it,
 * and the value of its last expression is shown.
 */
export const driver = String.raw`
def _ossia_driver(max_images, max_image_length, nap):
    import ast, asyncio, base64, builtins, inspect, io, json, linecache, os, sys, time, traceback, warnings

    # -- What reaches out of Python is not there. The walls are elsewhere; this is so that programs learn it plainly.
    closed = ('js', 'pyodide_js', '_pyodide_core', 'pyodide', '_pyodide', 'micropip', 'ctypes', '_ctypes')

    class Closed:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition('.')[0] in closed:
                raise ModuleNotFoundError(f'{name} is switched off in this sandbox', name=name)

    # -- An event loop of its own: nothing to wait for but time, so asyncio.run works as everywhere.
    class Naps:
        def select(self, timeout):
            if timeout is None:
                raise RuntimeError('deadlock: every task waits for another')
            if timeout > 0:
                time.sleep(timeout)
            return ()

        def close(self):
            pass

        def get_map(self):
            return {}

    class Loop(asyncio.BaseEventLoop):
        def __init__(self):
            super().__init__()
            self._selector = Naps()

        def _process_events(self, events):
            pass

        def _write_to_self(self):
            pass

        async def run_in_executor(self, executor, function, *arguments):
            return function(*arguments)

    class Policy(asyncio.events._BaseDefaultEventLoopPolicy):
        _loop_factory = Loop

    asyncio.events._set_event_loop_policy(Policy())
    asyncio.events._set_running_loop(None)
    asyncio.run = asyncio.runners.run

    # Emscripten's own turns in circles, and nothing interrupts it.
    def sleep(seconds):
        if seconds < 0:
            raise ValueError('sleep length must be non-negative')
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            nap(min(left, 1) * 1000)

    time.sleep = sleep
    loops = []

    def wait_for(coroutine):
        if not loops or loops[0].is_closed():
            loops[:] = [Loop()]
        return loops[0].run_until_complete(coroutine)

    # -- Pictures: what is shown, and files that a program leaves in its folder.
    types = {'.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.svg': 'image/svg+xml'}
    images = []

    def keep(media_type, data, name):
        text = base64.b64encode(data).decode()
        if len(images) >= max_images or len(text) > max_image_length:
            print(f'[{name} is not shown: at most {max_images} pictures of {max_image_length * 3 // 4 >> 20} MiB each]')
            return
        images.append({'mediaType': media_type, 'base64': text})
        print(f'[{name} is shown to the user]')

    def picture_of(value):
        for method, media_type in (('_repr_png_', 'image/png'), ('_repr_svg_', 'image/svg+xml')):
            if isinstance(value, type) or not callable(getattr(value, method, None)):
                continue
            data = getattr(value, method)()
            if isinstance(data, str):
                data = data.encode() if media_type == 'image/svg+xml' else base64.b64decode(data)
            if data:
                return media_type, data

    def display(*values):
        for value in values:
            picture = picture_of(value)
            if picture:
                keep(*picture, 'the picture')
            else:
                print(repr(value))

    seen = {}

    def new_files():
        for folder, folders, names in os.walk('/scratch'):
            for name in sorted(names)[:1000]:
                media_type = types.get(os.path.splitext(name)[1].lower())
                if not media_type:
                    continue
                path = os.path.join(folder, name)
                stat = os.stat(path)
                key = (stat.st_mtime_ns, stat.st_size)
                if seen.get(path) == key or stat.st_size == 0:
                    continue
                seen[path] = key
                if stat.st_size * 4 // 3 > max_image_length:
                    keep(media_type, b'x' * max_image_length, os.path.relpath(path, '/scratch'))
                else:
                    with io.open(path, 'rb') as file:
                        keep(media_type, file.read(), os.path.relpath(path, '/scratch'))

    # -- One program.
    main = sys.modules['__main__'].__dict__
    count = 0

    def execute(source):
        nonlocal count
        count += 1
        name = f'<cell {count}>'
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree = compile(source, name, 'exec', ast.PyCF_ONLY_AST | flags)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        run_code(compile(tree, name, 'exec', flags))
        if last is not None and not source.rstrip().endswith(';'):
            value = run_code(compile(ast.Expression(last.value), name, 'eval', flags))
            if value is not None:
                main['_'] = value
                display(value)
        elif last is not None:
            run_code(compile(ast.Expression(last.value), name, 'eval', flags))

    def run_code(code):
        value = eval(code, main)
        return wait_for(value) if code.co_flags & inspect.CO_COROUTINE else value

    def without_driver(trace, depth=0):
        trace.stack = traceback.StackSummary.from_list([frame for frame in trace.stack if frame.filename != '<exec>'])
        for other in (trace.__cause__, trace.__context__):
            if other is not None and depth < 10:
                without_driver(other, depth + 1)
        return trace

    def explain(error):
        try:
            trace = traceback.TracebackException.from_exception(error, limit=-50)
            lines = list(without_driver(trace).format())
        except RecursionError:
            lines = [f'{type(error).__name__}: {error}\n']
        print(''.join(lines), end='', file=sys.stderr)
        if isinstance(error, ModuleNotFoundError) and error.name:
            name = error.name.partition('.')[0]
            if name not in sys.stdlib_module_names and name not in closed:
                print(f'{name} is not here: this Python has its standard library only, and nothing can be installed.', file=sys.stderr)

    def run(source):
        images.clear()
        failed = False
        out, err = sys.stdout, sys.stderr
        try:
            execute(source)
        except SystemExit as error:
            failed = error.code not in (None, 0)
            if failed:
                print(f'SystemExit: {error.code}', file=sys.stderr)
        except BaseException as error:
            failed = True
            explain(error)
        finally:
            sys.stdout, sys.stderr = out, err
        try:
            new_files()
        except OSError:
            pass
        out.flush()
        err.flush()
        return json.dumps({'isError': failed, 'images': images})

    # -- The room.
    os.makedirs('/scratch', exist_ok=True)
    os.makedirs('/mnt', exist_ok=True)
    os.symlink('/scratch', '/mnt/data')
    os.chdir('/scratch')
    builtins.display = display
    for name in [name for name in sys.modules if name.partition('.')[0] in closed]:
        del sys.modules[name]
    for name in [name for name in main if not name.startswith('__')]:
        del main[name]
    sys.meta_path.insert(0, Closed)
    sys.stdout.reconfigure(line_buffering=True)
    sys.stderr.reconfigure(line_buffering=True)
    warnings.filterwarnings('ignore', category=DeprecationWarning, module='asyncio')
    return run

_ossia_driver
`;
