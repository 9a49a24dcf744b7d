"""Any text as LaTeX prints it, whatever characters are in it: plain `article` with no package compiles the result."""

from __future__ import annotations

import re
import unicodedata

SIGNS = {
    # read by LaTeX itself, at the start of a line after `\\` or anywhere
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\^{}", "[": "{[}", "*": "{*}", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''",
    # marks
    "…": r"{\ldots}", "·": r"$\cdot$", "•": r"$\bullet$", "–": "--", "—": "---", "‐": "-", "‑": "-", "‒": "--",
    "‘": "`", "’": "'", "“": "``", "”": "''", "„": ",,", "«": r"$\ll$", "»": r"$\gg$", "§": r"\S{}",
    "†": r"$\dagger$", "‡": r"$\ddagger$", "©": "(c)", "°": r"$^{\circ}$", "′": r"$'$", "″": r"$''$",
    # mathematics
    "±": r"$\pm$", "∓": r"$\mp$", "×": r"$\times$", "÷": r"$\div$", "−": "$-$", "⁄": "/", "∕": "/", "∞": r"$\infty$",
    "≤": r"$\leq$", "≥": r"$\geq$", "≪": r"$\ll$", "≫": r"$\gg$", "≠": r"$\neq$", "≈": r"$\approx$", "≃": r"$\simeq$",
    "≡": r"$\equiv$", "∼": r"$\sim$", "∝": r"$\propto$", "√": r"$\surd$", "∑": r"$\sum$", "∏": r"$\prod$",
    "∫": r"$\int$", "∂": r"$\partial$", "∇": r"$\nabla$", "∈": r"$\in$", "∉": r"$\notin$", "⊂": r"$\subset$",
    "∪": r"$\cup$", "∩": r"$\cap$", "∅": r"$\emptyset$", "∀": r"$\forall$", "∃": r"$\exists$", "‖": r"$\|$",
    "∘": r"$\circ$", "⊗": r"$\otimes$", "⊕": r"$\oplus$", "ℓ": r"$\ell$", "✓": r"$\surd$", "¬": r"$\neg$",
    "→": r"$\to$", "←": r"$\leftarrow$", "↔": r"$\leftrightarrow$", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "⇒": r"$\Rightarrow$", "⇐": r"$\Leftarrow$", "⇔": r"$\Leftrightarrow$", "↦": r"$\mapsto$",
    # letters that no accent makes of another
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}",
    "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "đ": "d", "Đ": "D",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c",
}  # fmt: skip
GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (FINAL SIGMA|[A-Z]+)")
SMALL = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
}  # fmt: skip
CAPITALS = {"gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega"}
LATIN = {
    "alpha": "A", "beta": "B", "epsilon": "E", "zeta": "Z", "eta": "H", "iota": "I", "kappa": "K", "mu": "M", "nu": "N",
    "omicron": "O", "rho": "P", "tau": "T", "chi": "X",
}  # fmt: skip  # what the other capitals look like
NAMES = {"lamda": "lambda", "final sigma": "varsigma"}  # as Unicode and as LaTeX say


def latex_of(text: str) -> str:
    """`text` as LaTeX prints it, in one paragraph. A character that it has no sign for is named, as `(U+4E2D)`."""
    return "".join(map(_sign, " ".join(text.split()).replace("...", "…")))


def _sign(character: str) -> str:
    if character in SIGNS:
        return SIGNS[character]
    if character.isascii():
        return character if character.isprintable() else " "
    decomposed = unicodedata.decomposition(character)
    if decomposed.startswith(("<super>", "<sub>")):
        inside = "".join(_bare(part) for part in _parts(decomposed))
        return f"${'^' if decomposed.startswith('<super>') else '_'}{{{inside}}}$"
    if greek := _greek(character):
        return greek
    if decomposed:
        return _composed(_parts(decomposed))
    return "" if unicodedata.category(character) in ("Mn", "Cf") else f"(U+{ord(character):04X})"


def _parts(decomposed: str) -> list[str]:
    """The characters of a decomposition as Unicode writes them, `<super> 0039`."""
    return [chr(int(code, 16)) for code in decomposed.split() if not code.startswith("<")]


def _bare(character: str) -> str:
    """Inside mathematics."""
    return "-" if character == "−" else _sign(character).replace("$", "")


def _greek(character: str) -> str:
    """A letter of today's Greek; empty of anything else."""
    found = GREEK.fullmatch(unicodedata.name(character, ""))
    if found is None:
        return ""
    capital, name = found[1] == "CAPITAL", NAMES.get(found[2].lower(), found[2].lower())
    if capital:
        return rf"$\{name.capitalize()}$" if name in CAPITALS else LATIN.get(name, "")
    return rf"$\{name}$" if name in SMALL else "o" * (name == "omicron")


def _composed(parts: list[str]) -> str:
    """A letter with its accent, or characters that stand for one such as a ligature."""
    letter, accent = parts[0], ACCENTS.get(parts[-1])
    if len(parts) == 2 and accent and letter.isascii() and letter.isalpha():
        return rf"\{accent}{{{letter}}}"
    return "".join(map(_sign, parts))
