-- What may be done now: an agent is either paused or it is not.
local annotations = obj.metadata.annotations
local paused = annotations ~= nil and annotations["supportplane.io/paused"] == "true"
local actions = {}
actions["pause"] = {["disabled"] = paused}
actions["resume"] = {["disabled"] = not paused}
return actions
