-- A model has one condition of its own, Ready. A model server that still loads its model is no fault.
local hs = {}
local working = {Loading = true}

local ready = nil
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" then
      ready = condition
    end
  end
end

if ready == nil then
  hs.status = "Progressing"
  hs.message = "The operator has not reported yet."
  return hs
end

local observed = obj.status.observedGeneration
if observed ~= nil and obj.metadata.generation ~= nil and observed < obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "The operator has not seen the latest change yet."
  return hs
end

hs.message = ready.message
if hs.message == nil or hs.message == "" then
  hs.message = ready.reason or "Ready"
end
if ready.status == "True" then
  hs.status = "Healthy"
elseif ready.status == "False" and working[ready.reason] then
  hs.status = "Progressing"
elseif ready.status == "False" then
  hs.status = "Degraded"
else
  -- Only an agent's pods ask a server of one's own. Waiting here would keep Argo CD from making that agent when it stands
  -- in a later sync wave; the agent's own health tells what is wrong.
  hs.status = "Healthy"
end
return hs
