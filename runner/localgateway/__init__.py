"""The built-in gateway: the HTTP API of a video gateway on loopback, with slates for films.

A program of its own. It shares `runner.media` and nothing else with the client, above all not
the client's idea of what a body should look like: a twin that shares our mistakes proves nothing.

    wire      bytes in, requests out; answers as bytes, cut and bent where a script says so
    server    routes, and the state behind them
    checks    what a body must look like (own table of models in `models`)
    jobs      accepted jobs, their ids and the passing of their time
    ledger    what was accepted and what it would have cost
    slate     the picture: an animatic frame with prompt, references and timecode
    film      the picture as H.264 + AAC
    chaos     misbehaviour on demand; `faults` is the catalogue
"""
