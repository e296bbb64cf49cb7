"""How Telegram reads the texts of its Bot API: the plain text behind the markup, or the error that it answers."""

import html
import re

HTML_TAGS = {
    "a",
    "b",
    "blockquote",
    "code",
    "del",
    "em",
    "i",
    "ins",
    "pre",
    "s",
    "span",
    "strike",
    "strong",
    "tg-emoji",
    "tg-spoiler",
    "u",
}
ENTITIES = re.compile(r"&(?:#[0-9]+|#x[0-9A-Fa-f]+|lt|gt|amp|quot);")
RESERVED = set("_*[]()~`>#+-=|{}.!")


class EntityError(ValueError):
    """A text whose markup is broken."""


def plain(text: str, parse_mode: str | None) -> str:
    if parse_mode == "HTML":
        return plain_html(text)
    if parse_mode == "MarkdownV2":
        return plain_markdown(text)
    return text


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def plain_html(text: str) -> str:
    stack: list[str] = []
    output = ""
    position = 0
    while position < len(text):
        character = text[position]
        if character == "&" and (entity := ENTITIES.match(text, position)):
            output += html.unescape(entity.group())
            position = entity.end()
        elif character == "<":
            tag = re.compile(r"<(/?)([a-zA-Z-]+)((?:\s+[a-z-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s>]*))?)*)\s*>").match(
                text, position
            )
            if not tag:
                raise EntityError(f"Unsupported start tag at byte offset {position}")
            closing, name = tag.group(1), tag.group(2).lower()
            if name not in HTML_TAGS:
                raise EntityError(f'Unsupported start tag "{name}" at byte offset {position}')
            if not closing:
                stack.append(name)
            elif not stack or stack.pop() != name:
                raise EntityError(f'Unmatched end tag at byte offset {position}, expected "</{name}>"')
            position = tag.end()
        else:
            output += character
            position += 1
    if stack:
        raise EntityError(f'Can\'t find end tag corresponding to start tag "{stack[-1]}"')
    return output


def plain_markdown(text: str) -> str:
    """Reads MarkdownV2 from left to right as Telegram does: a marker that may end the innermost span ends it."""
    stack: list[str] = []
    output = ""
    position = 0

    def has(marker: str) -> bool:
        return text.startswith(marker, position)

    while position < len(text):
        character = text[position]
        if character == "\\" and position + 1 < len(text) and 1 <= ord(text[position + 1]) <= 126:
            output += text[position + 1]
            position += 2
            continue
        top = stack[-1] if stack else ""
        if top in ("`", "```"):
            if has(top):
                stack.pop()
                position += len(top)
            elif character == "`":
                raise EntityError(f"Character '`' is reserved at byte offset {position}")
            else:
                output += character
                position += 1
            continue
        if character not in RESERVED:
            output += character
            position += 1
            continue
        if character == "]" and top == "[":
            link = re.compile(r"\]\(((?:\\.|[^)\\])*)\)").match(text, position)
            if not link:
                raise EntityError(f"Can't find end of a URL at byte offset {position}")
            stack.pop()
            position = link.end()
            continue
        if character == ">" and (position == 0 or text[position - 1] == "\n"):
            position += 1
            continue
        if has("![") and re.compile(r"!\[[^\]]*\]\(tg://emoji\?id=[0-9]+\)").match(text, position):
            position += 1
            continue
        marker = next((known for known in ("```", "__", "||", "`", "*", "_", "~", "[") if has(known)), None)
        if marker is None:
            raise EntityError(
                f"Character '{character}' is reserved and must be escaped with the preceding '\\' "
                f"at byte offset {position}"
            )
        if top == marker:
            stack.pop()
        elif marker in stack:
            raise EntityError(f"Can't find end of the entity starting with '{top}'")
        else:
            stack.append(marker)
        position += len(marker)
        if marker == "```" and top != marker:
            language = re.compile(r"[^\s`]*\n").match(text, position)
            position = language.end() if language else position
    if stack:
        raise EntityError(f"Can't find end of the entity starting with '{stack[-1]}'")
    return output
