# SPDX-License-Identifier: GPL-2.0
"""Renders the kernel-doc comments of a uapi header.

    .. kdoc:: ../uapi/linux/queztl.h            everything it documents, in its order
    .. kdoc-ioctls:: ../uapi/linux/queztl.h     a table of its calls

Understood are `DOC: title`, `struct x - text`, `enum x - text` and `define X - text`, with `@member: text` and a body
that is reStructuredText. An ioctl is documented by the structure whose text begins with "argument of NAME"; of several
calls it is "argument of X_ADD, _DEL and _NEXT", or whole names.

What is declared without being documented, or documented without being declared, is a warning; so is a comment that
begins like kernel-doc and is none of these. `sphinx-build -W` makes them errors.
"""
import errno
import pathlib
import re
import textwrap

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.nodes import nested_parse_with_titles

logger = logging.getLogger(__name__)

COMMENT = re.compile(r"^/\*\*[ \n](.*?)\*/\n*", re.S | re.M)
HEAD = re.compile(r"(?:(struct|enum|define) (\w+) - |DOC: )(.*)")
MEMBER = re.compile(r"@(\w+): ?(.*)")
FIELD = re.compile(r"(.*?)(\w+)((?:\[\w+\])?)$", re.S)
DEFINE = re.compile(r"^#define[ \t]+(\w+)[ \t]+(.+)$", re.M)
IOCTL = re.compile(r"_IO\((\w+),\s*(0x[0-9a-f]+)\)")
ARGUMENT = re.compile(r"argument of (\w+(?:(?:, | and )_?[A-Z]\w*)*)(?:, on a (VM descriptor|window))?(?:: (.*))?$")
ERRORS = re.compile(r"^Errors: ((?:.+\n?)+)", re.M)
LITERAL = re.compile(r"(``.*?``)", re.S)
REFERENCE = re.compile(r"&(?:(struct|enum) )?(\w+)(?:\.(\w+))?|@(\w+)|\b([A-Z]\w+)\b")


class Item:
    """One comment, and the declaration that follows it."""
    def __init__(self, kind, name, text, line):
        self.kind, self.name, self.text, self.line = kind, name, text, line
        self.members, self.body, self.declared = {}, "", {}     # declared: member to its declaration
        self.ioctls, self.made_on = [], None

    def read(self, lines):
        """Members come first; a line that is not indented behind an empty one begins the body."""
        name, body = None, []
        for line in lines:
            found = MEMBER.match(line) if not body else None
            if found:
                name = found[1]
                self.members[name] = [found[2]]
            elif name and not body and (not line or line[0].isspace()):
                self.members[name].append(line)
            elif body or line:
                body.append(line)
        self.members = {name: (text[0] + "\n" + textwrap.dedent("\n".join(text[1:]))).strip()
                        for name, text in self.members.items()}
        self.body = "\n".join(body)
        return self


class Header:
    def __init__(self, path):
        self.path, self.text = path, path.read_text()
        self.items, self.defines = [], {name: value.strip() for name, value in DEFINE.findall(self.text)}
        for found in COMMENT.finditer(self.text):
            self.add(found)
        self.ioctls = {name: int(found[2], 16) for name, value in self.defines.items()
                       if (found := IOCTL.match(value))}
        self.magic = {IOCTL.match(self.defines[name])[1] for name in self.ioctls}
        self.by_name = {item.name: item for item in self.items if item.name}
        self.macros = {name: name for name in [*self.ioctls, *(i.name for i in self.items if i.kind == "define")]}
        self.macros |= {name: f"{i.name}.{name}" for i in self.items if i.kind == "enum" for name in i.declared}

    def warn(self, line, text):
        logger.warning(text, location=f"{self.path}:{line}")

    def line_of(self, position):
        return self.text.count("\n", 0, position) + 1

    # -- reading ----------------------------------------------------------------------------------------------------
    def add(self, found):
        line = self.line_of(found.start())
        lines = [re.sub(r"^ \* ?", "", text).rstrip().expandtabs() for text in found[1].rstrip(" \n").split("\n")]
        head = HEAD.match(lines[0].strip())
        if not head:
            self.warn(line, "a comment that begins with /** but is not kernel-doc")
            return
        item = Item(head[1] or "DOC", head[2], head[3], line).read(lines[1:])
        self.items.append(item)
        if item.name:
            self.read_declaration(item, self.text[found.end():])
        argument = ARGUMENT.match(item.text)
        if argument:
            item.ioctls = self.call_names(re.split(r", | and ", argument[1]))
            item.made_on, item.text = argument[2], argument[3] or ""

    @staticmethod
    def call_names(words):
        """A word that begins with _ takes the place of the first name's last part."""
        stem = words[0].rpartition("_")[0]
        return [stem + word if word[0] == "_" else word for word in words]

    def read_declaration(self, item, text):
        if item.kind == "define":
            if not re.match(rf"#define\s+{item.name}\b", text):
                self.warn(item.line, f"the definition of {item.name} does not follow its comment")
            return
        found = re.match(rf"{item.kind} {item.name} {{\n(.*?)^}}", text, re.S | re.M)
        if not found:
            self.warn(item.line, f"{item.kind} {item.name} does not follow its comment")
            return
        body = re.sub(r"/\*.*?\*/", "", found[1], flags=re.S)
        read = self.read_fields if item.kind == "struct" else self.read_enumerators
        item.declared = read(item, [part.strip() for part in re.split("[;,]", body) if part.strip()])

    def read_fields(self, _, parts):
        return {field[2]: field[0] for field in (FIELD.match(" ".join(part.split())) for part in parts)}

    def read_enumerators(self, item, parts):
        declared, value = {}, -1
        for part in parts:
            name, _, expression = (word.strip() for word in part.partition("="))
            value = self.evaluate(item, expression) if expression else value + 1
            declared[name] = f"{name} = {expression or value}"
        return declared

    def evaluate(self, item, expression):
        found = re.match(r"(\w+?)(?:U?LL)?(?: << (\d+))?$", expression)
        if not found:
            self.warn(item.line, f"{expression}: neither a number nor a shifted one")
            return 0
        return int(found[1], 0) << int(found[2] or 0)

    # -- checking ---------------------------------------------------------------------------------------------------
    def check(self):
        for item in self.items:
            if item.kind not in ("struct", "enum"):
                continue
            for name in item.declared.keys() - item.members.keys():
                self.warn(item.line, f"{item.kind} {item.name}: {name} is not documented")
            for name in item.members.keys() - item.declared.keys():
                self.warn(item.line, f"{item.kind} {item.name}: {name} is documented but does not exist")
        self.check_declarations()
        self.check_ioctls()

    def check_declarations(self):
        known = self.by_name.keys() | self.macros.keys() | self.magic
        for found in [*re.finditer(r"^(?:struct|enum) (\w+) {", self.text, re.M), *DEFINE.finditer(self.text)]:
            if found[1] not in known:
                self.warn(self.line_of(found.start()), f"{found[1]} is not documented")

    def check_ioctls(self):
        for name in self.ioctls:
            count = sum(name in item.ioctls for item in self.items)
            if count != 1:
                self.warn(1, f"{name} is documented by {count} structures")
        for item in self.items:
            for name in item.ioctls:
                if name not in self.ioctls:
                    self.warn(item.line, f"struct {item.name}: there is no call {name}")
        if len(set(self.ioctls.values())) != len(self.ioctls):
            self.warn(1, "two calls have the same number")

    # -- writing ----------------------------------------------------------------------------------------------------
    def link(self, text):
        """kernel-doc's references as Sphinx's; what stands in ``literals`` is left alone."""
        parts = LITERAL.split(text)
        parts[::2] = [REFERENCE.sub(self.reference, part) for part in parts[::2]]
        return "".join(parts)

    def reference(self, found):
        kind, name, member, parameter, word = found.groups()
        if parameter:
            return f"``{parameter}``"
        if word:
            return f":c:macro:`{word} <{self.macros[word]}>`" if word in self.macros else word
        if member:
            return f":c:member:`{name}.{member}`"
        return f":c:{kind or getattr(self.by_name.get(name), 'kind', 'struct')}:`{name}`"

    def render_errors(self, item, found):
        """"Errors: ENOENT text; EPERM text." as a list."""
        out = ["Errors:", ""]
        for error in re.split(r";\s+(?=E[A-Z]+\s)", found[1].strip()):
            name, text = error.split(maxsplit=1)
            if not hasattr(errno, name):
                self.warn(item.line, f"{name} is no error")
            out.append(f"- ``{name}``: {' '.join(text.split()).rstrip('.')}")
        return "\n".join(out) + "\n"

    def render(self, item):
        body = ERRORS.sub(lambda found: self.render_errors(item, found), item.body)
        body = self.link(body).split("\n")
        if item.kind == "DOC":
            return [item.text, "-" * len(item.text), "", *body, ""]
        if item.kind == "define":
            return [f".. c:macro:: {item.name}", "", f"   ``{self.defines.get(item.name)}``: {item.text}", ""]
        lines = [f".. c:{item.kind}:: {item.name}", ""]
        if item.ioctls:
            where = f"a {item.made_on}" if item.made_on else "a descriptor of ``/dev/queztl``"
            said = f" {item.text[0].upper()}{item.text[1:]}." if item.text else ""
            calls = [(f".. c:macro:: {name}", "", f"   Number {self.ioctls.get(name, 0):#04x}, on {where}.{said}", "")
                     for name in item.ioctls]
            lines = [line for call in calls for line in call] + lines
        elif item.text:
            lines += ["   " + self.link(item.text[0].upper() + item.text[1:]) + ".", ""]
        role = "c:member" if item.kind == "struct" else "c:enumerator"
        for name, declared in item.declared.items():
            lines += [f"   .. {role}:: {declared}", ""]
            lines += ["      " + line for line in self.link(item.members.get(name, "")).split("\n")] + [""]
        return lines + ["   " + line for line in body] + [""]

    def render_all(self):
        self.check()
        return [(line, item.line) for item in self.items for line in self.render(item)]

    def render_ioctls(self):
        magic = ", ".join(self.defines[name] for name in sorted(self.magic))
        lines = [f"A call is ``_IO({magic}, NUMBER)``.", "", ".. list-table::", "   :header-rows: 1", "",
                 "   * - Number", "     - Call", "     - Made on", "     - Argument"]
        by_call = {name: item for item in self.items for name in item.ioctls}
        for name, number in sorted(self.ioctls.items(), key=lambda pair: pair[1]):
            item = by_call.get(name)
            lines += [f"   * - ``{number:#04x}``", f"     - :c:macro:`{name}`",
                      "     - " + (f"a {item.made_on}" if item and item.made_on else "``/dev/queztl``"),
                      "     - " + (f":c:struct:`{item.name}`" if item else "")]
        return [(line, 1) for line in lines]


class KdocDirective(Directive):
    required_arguments = 1
    render = Header.render_all

    def run(self):
        env = self.state.document.settings.env
        path = env.relfn2path(self.arguments[0])[1]
        env.note_dependency(path)
        lines, numbers = zip(*type(self).render(Header(pathlib.Path(path))))
        content = StringList(list(lines), items=[(path, number - 1) for number in numbers])
        node = nodes.section()
        node.document = self.state.document
        nested_parse_with_titles(self.state, content, node)
        return node.children


class KdocIoctls(KdocDirective):
    render = Header.render_ioctls


def setup(app):
    app.add_directive("kdoc", KdocDirective)
    app.add_directive("kdoc-ioctls", KdocIoctls)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
