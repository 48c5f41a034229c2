-- Documents can be read again at any time.
local actions = {}
actions["re-ingest"] = {["displayName"] = "Read the documents again", ["iconClass"] = "fa fa-fw fa-sync"}
return actions
