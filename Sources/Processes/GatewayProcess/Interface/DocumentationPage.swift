/// The API's description as a page: one file that reads the document of the same gateway and loads nothing else.
enum DocumentationPage {
    /// The page, whose script and style are let in by a nonce, so that nothing else is ever run there.
    static func html(nonce: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Collider API</title>
        <style nonce="\(nonce)">\(style)</style>
        </head>
        <body>
        <header>
        <h1>Collider API <small id="version"></small></h1>
        <input id="search" type="search" placeholder="Search routes, words, members  ( / )" aria-label="Search"
        autofocus>
        <a href="openapi.json">openapi.json</a>
        </header>
        <nav id="index" aria-label="Routes"></nav>
        <main id="routes"><p id="state">Reading the description…</p></main>
        <noscript><p>A script draws this page. The same is in <a href="openapi.json">openapi.json</a>.</p></noscript>
        <script nonce="\(nonce)">\(script)</script>
        </body>
        </html>

        """
    }

    /// What the page may do: run what has the nonce, and read the document.
    static func policy(nonce: String) -> String {
        """
        default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1c2430;--dim:#5c6b7d;--line:#d9e0e8;--soft:#f4f6f9;--page:#fff;
        --get:#1769aa;--post:#1d7a46;--put:#9a5b00;--patch:#6d4bb5;--delete:#b3261e}
        @media(prefers-color-scheme:dark){
        :root{--ink:#e4e9f0;--dim:#93a1b3;--line:#2c3644;--soft:#1a212c;--page:#12171f;
        --get:#69b1ec;--post:#62c78e;--put:#e0a44e;--patch:#ac8ff0;--delete:#ef8079}}
        *{box-sizing:border-box}
        body{margin:0;font:15px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--page);
        display:grid;grid-template:auto 1fr/19rem minmax(0,1fr);min-height:100vh}
        header{grid-column:1/3;display:flex;gap:1rem;align-items:center;padding:.7rem 1.2rem;position:sticky;top:0;
        background:var(--page);border-bottom:1px solid var(--line);z-index:1}
        h1{font-size:1.1rem;margin:0;white-space:nowrap}small{color:var(--dim);font-weight:400}
        input{flex:1;max-width:38rem;padding:.45rem .7rem;font:inherit;color:inherit;background:var(--soft);
        border:1px solid var(--line);border-radius:6px}
        a{color:var(--get)}
        nav{padding:1rem;border-right:1px solid var(--line);overflow:auto;position:sticky;top:3.4rem;
        max-height:calc(100vh - 3.4rem);font-size:.85rem}
        nav h2{font-size:.75rem;text-transform:uppercase;letter-spacing:.06em;color:var(--dim);margin:1rem 0 .2rem}
        nav a{display:block;padding:.1rem 0;color:inherit;text-decoration:none}nav a:hover{text-decoration:underline}
        main{padding:1rem 2rem 6rem;max-width:60rem}
        section{border:1px solid var(--line);border-radius:8px;margin:1rem 0;padding:.9rem 1.1rem;
        scroll-margin-top:4rem}
        section h3{margin:0 0 .3rem;font-size:1rem}h4{margin:1rem 0 .2rem;font-size:.85rem;color:var(--dim)}
        code,pre{font:.85em/1.5 ui-monospace,monospace}pre{background:var(--soft);padding:.7rem;border-radius:6px;
        overflow:auto;margin:.3rem 0}p{margin:.3rem 0}
        .m{font:600 .75rem ui-monospace,monospace;text-transform:uppercase;display:inline-block;min-width:3.9em}
        .get{color:var(--get)}.post{color:var(--post)}.put{color:var(--put)}.patch{color:var(--patch)}
        .delete{color:var(--delete)}
        dl{margin:.2rem 0;display:grid;grid-template-columns:minmax(8rem,auto) 1fr;gap:.15rem 1rem;font-size:.9rem}
        dt{font-family:ui-monospace,monospace;font-size:.85em}dd{margin:0;color:var(--dim)}
        dd b{color:var(--ink);font-weight:500}
        ul{list-style:none;margin:0;padding-left:1.1rem;border-left:1px solid var(--line)}
        li{font-size:.88rem}li code{font-weight:600}.t{color:var(--dim);font-size:.85em}
        summary{cursor:pointer}.hidden{display:none}
        @media(max-width:50rem){body{display:block}nav{display:none}main{padding:1rem}}
        """
}
