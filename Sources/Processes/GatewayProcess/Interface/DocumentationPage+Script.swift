extension DocumentationPage {
    /// Draws the document. Texts are set as texts and never as markup, so that no description can become a script.
    static let script = #"""
        "use strict";
        const make=(name,attributes,...children)=>{const node=document.createElement(name);
        for(const[key,value]of Object.entries(attributes||{}))node.setAttribute(key,value);
        for(const child of children)if(child!=null)node.append(child);return node};
        const methods=["get","post","put","patch","delete"];
        const inline=text=>(text||"").split("`").map((piece,i)=>i%2?make("code",{},piece):piece);
        const prose=text=>(text||"").split("\n\n").filter(Boolean).map(part=>make("p",{},...inline(part)));
        let spec;
        const resolve=value=>value&&value.$ref?value.$ref.slice(2).split("/").reduce((at,key)=>at[key],spec):value;
        const kind=schema=>{if(schema.$ref)return schema.$ref.split("/").pop();
        if(schema.const!==undefined)return JSON.stringify(schema.const);
        if(schema.enum)return schema.enum.map(value=>value===null?"null":value).join(" | ");
        const types=[].concat(schema.type||[]).map(type=>type==="array"?(schema.items?kind(schema.items)+"[]":"array"):
        type==="string"&&schema.format?schema.format:type);
        if(schema.anyOf||schema.oneOf)return(schema.anyOf||schema.oneOf).map(kind).join(" or ");
        const bounds=[];
        if(schema.minimum!=null||schema.maximum!=null)bounds.push((schema.minimum??"")+"…"+(schema.maximum??""));
        if(schema.maxLength!=null)bounds.push((schema.minLength??0)+"…"+schema.maxLength+" characters");
        return(types.join(" | ")||"any")+(bounds.length?" ("+bounds.join(", ")+")":"")};
        const tree=(schema,depth)=>{const whole=resolve(schema);if(!whole||depth>4)return null;
        const choices=whole.anyOf||whole.oneOf;
        if(choices){const nodes=choices.map(choice=>tree(choice,depth+1)).filter(Boolean);
        return nodes.length?make("div",{},...nodes):null}
        if(whole.items)return tree(whole.items,depth);
        const properties=Object.entries(whole.properties||{});if(!properties.length)return null;
        const list=make("ul",{});for(const[name,
        property]of properties){const must=(whole.required||[]).includes(name);
        const item=make("li",{},make("code",{},name)," ",make("span",{class:"t"},
        kind(property)+(must?"":", optional")));
        const about=property.description||(resolve(property)||{}).description;if(about)item.append(" — ",
        ...inline(about));
        const inner=tree(property,depth+1);
        if(inner)item.append(depth<1&&!property.$ref?inner:make("details",{},make("summary",{},"members"),inner));
        list.append(item)}return list};
        const quote=text=>"'"+text.replaceAll("'","'\\''")+"'";
        const curl=(method,path,
        operation)=>{const query=(operation.parameters||[]).filter(p=>p.in==="query"&&p.required)
        .map(p=>p.name+"="+p.name.toUpperCase()).join("&");
        const url=location.origin+path.replaceAll("{","").replaceAll("}","").replace(/\/id(?=\/|$)/g,
        "/$ID")+(query?"?"+query:"");
        const parts=["curl"+(method==="get"?"":" -X "+method.toUpperCase())+" \""+url+"\""];
        if((operation.security||[]).length)parts.push("-H \"Authorization: Bearer $COLLIDER_API_KEY\"");
        const content=operation.requestBody&&Object.entries(operation.requestBody.content).find(([,
        value])=>value.example);
        if(content){parts.push("-H 'Content-Type: "+content[0]+"'");
        parts.push("-d "+quote(JSON.stringify(content[1].example)))}
        return parts.join(" \\\n  ")};
        const section=(method,path,operation)=>{const id=operation.operationId;
        const box=make("section",{id},make("h3",{},make("span",{class:"m "+method},method),make("code",{},path)," ",
        make("small",{},operation.summary)),...prose(operation.description));
        if(operation.parameters){const list=make("dl",{});for(const p of operation.parameters)
        list.append(make("dt",{},p.name),make("dd",{},make("b",{},kind(p.schema)),
        " "+p.in+(p.required?", required. ":". "),...inline(p.description)));
        box.append(make("h4",{},"Parameters"),list)}
        if(operation.requestBody){box.append(make("h4",{},"Body"));for(const[type,
        content]of Object.entries(operation.requestBody.content)){
        box.append(make("p",{},make("code",{},type)," ",make("span",{class:"t"},kind(content.schema))));
        const inner=tree(content.schema,0);if(inner)box.append(inner)}}
        box.append(make("h4",{},"Answers"));
        const problems=make("details",{});
        for(const[status,reference]of Object.entries(operation.responses)){const answer=resolve(reference);
        const line=[make("b",{},status)," ",...inline(answer.description)];
        if(reference.$ref){problems.append(make("p",{},...line));continue}
        const content=Object.values(answer.content||{})[0],inner=content?tree(content.schema,0):null;
        box.append(inner?make("details",{},make("summary",{},...line),inner):make("p",{},...line))}
        problems.prepend(make("summary",{},make("b",{},"Problems")," ",
        Object.entries(operation.responses).filter(([,answer])=>answer.$ref).map(([status])=>status).join(" ")));
        box.append(problems);
        box.append(make("h4",{},"Example"),make("pre",{},curl(method,path,operation)));
        box.dataset.words=JSON.stringify([method,path,operation]).toLowerCase();return box};
        const draw=()=>{document.getElementById("version").textContent=spec.info.version;
        const main=document.getElementById("routes"),index=document.getElementById("index");
        main.replaceChildren(...prose(spec.info.description));
        for(const tag of spec.tags){const group=make("div",{}),links=make("div",{},make("h2",{},tag.name));
        group.append(make("h2",{},tag.name),...prose(tag.description));
        for(const[path,item]of Object.entries(spec.paths))for(const method of methods){const operation=item[method];
        if(!operation||!operation.tags.includes(tag.name))continue;group.append(section(method,path,operation));
        links.append(make("a",{href:"#"+operation.operationId},make("span",{class:"m "+method},method)," ",
        operation.summary))}
        main.append(group);index.append(links)}
        if(location.hash)document.getElementById(location.hash.slice(1))?.scrollIntoView()};
        const search=document.getElementById("search");
        search.addEventListener("input",()=>{const words=search.value.toLowerCase().split(/\s+/).filter(Boolean);
        for(const box of document.querySelectorAll("section")){
        const hit=words.every(word=>box.dataset.words.includes(word));
        box.classList.toggle("hidden",!hit);
        document.querySelector('nav a[href="#'+box.id+'"]').classList.toggle("hidden",!hit)}
        for(const group of document.querySelectorAll("main>div,nav>div"))
        group.classList.toggle("hidden",
        words.length>0&&!group.querySelector("section:not(.hidden),a:not(.hidden)"))});
        document.addEventListener("keydown",
        event=>{if(event.key==="/"&&document.activeElement!==search){event.preventDefault();search.focus()}});
        fetch("openapi.json").then(answer=>answer.json()).then(document=>{spec=document;draw()})
        .catch(error=>{document.getElementById("state").textContent="The description can't be read: "+error});
        """#
}
