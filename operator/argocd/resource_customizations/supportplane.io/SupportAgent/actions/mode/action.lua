-- HandoffOnly hands every question to a person, Auto answers by itself. Argo CD puts the mode of git back at once where
-- it heals the application by itself.
local mode = actionParams["mode"]
if mode ~= "Auto" and mode ~= "HandoffOnly" then
  error("mode is Auto or HandoffOnly", 0)
end
obj.spec.mode = mode
return obj
